#!/usr/bin/env bash
# Writes what a release lays over Tauri's configuration: what its repository's variables and secrets say, and nothing
# that they do not. Without any of them the packages are made unsigned and without updates.
#
#   configuration.sh FILE
set -euo pipefail

jq --null-input '
    def set($name): env[$name] // "" | . != "";
    { bundle: { homepage: "https://github.com/\(env.GITHUB_REPOSITORY)" } }
    | if set("PUBLISHER") then .bundle.publisher = env.PUBLISHER else . end
    | if set("TAURI_SIGNING_PRIVATE_KEY") and set("UPDATER_PUBLIC_KEY") then
        .bundle.createUpdaterArtifacts = true
        | .plugins.updater = {
            pubkey: env.UPDATER_PUBLIC_KEY,
            endpoints: ["https://github.com/\(env.GITHUB_REPOSITORY)/releases/latest/download/latest.json"]
          }
      else . end
    | if env.RUNNER_OS == "Windows" and set("AZURE_CLIENT_SECRET") and set("AZURE_SIGNING_ENDPOINT") then
        .bundle.windows.signCommand = "trusted-signing-cli -e \(env.AZURE_SIGNING_ENDPOINT)"
          + " -a \(env.AZURE_SIGNING_ACCOUNT) -c \(env.AZURE_SIGNING_PROFILE) -d LLMFlow %1"
      else . end
' >"$1"
