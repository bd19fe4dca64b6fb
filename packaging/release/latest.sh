#!/usr/bin/env bash
# Writes latest.json, by which a Tauri app finds its update (no version of ours asks for it yet):
# one entry for each signed package in a folder.
#
#   latest.sh FOLDER VERSION DOWNLOAD_ADDRESS
set -euo pipefail

folder=$1
version=$2
address=$3

# The updater's names for what a package is for; the first package of a system is also its plain name.
platforms() {
    case $1 in
        *_aarch64.app.tar.gz) printf '%s\n' darwin-aarch64-app darwin-aarch64 ;;
        *_x64.app.tar.gz) printf '%s\n' darwin-x86_64-app darwin-x86_64 ;;
        *_amd64.AppImage) printf '%s\n' linux-x86_64-appimage linux-x86_64 ;;
        *_aarch64.AppImage) printf '%s\n' linux-aarch64-appimage linux-aarch64 ;;
        *_amd64.deb) printf '%s\n' linux-x86_64-deb ;;
        *_arm64.deb) printf '%s\n' linux-aarch64-deb ;;
        *.x86_64.rpm) printf '%s\n' linux-x86_64-rpm ;;
        *.aarch64.rpm) printf '%s\n' linux-aarch64-rpm ;;
        *_x64-setup.exe) printf '%s\n' windows-x86_64-nsis windows-x86_64 ;;
        *_x64_*.msi) printf '%s\n' windows-x86_64-msi ;;
        *) printf 'no updater knows what %s is for\n' "$1" >&2; return 1 ;;
    esac
}

latest=$(jq --null-input --arg version "$version" '{ version: $version, pub_date: (now | todate), platforms: {} }')
for signature in "$folder"/*.sig; do
    [ -e "$signature" ] || { printf 'nothing is signed: no latest.json\n'; exit 0; }
    package=$(basename "$signature" .sig)
    names=$(platforms "$package")
    for name in $names; do
        latest=$(jq --arg name "$name" --arg url "$address/$package" --rawfile signature "$signature" \
            '.platforms[$name] = { url: $url, signature: $signature }' <<<"$latest")
    done
done
printf '%s\n' "$latest" >"$folder/latest.json"
