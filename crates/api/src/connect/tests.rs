//! What is typed, by tool and shell.

use super::*;

const PROXY: &str = "http://localhost:8080";

#[test]
fn each_shell_has_its_own_syntax() {
    let claude = |shell| Tool::ClaudeCode.snippet(shell, "http://localhost:9000", None);
    let url = "http://localhost:9000/passthrough/anthropic";
    assert_eq!(claude(Shell::Posix), format!("export ANTHROPIC_BASE_URL={url}\nclaude"));
    assert_eq!(claude(Shell::Fish), format!("set -gx ANTHROPIC_BASE_URL {url}\nclaude"));
    assert_eq!(claude(Shell::PowerShell), format!("$env:ANTHROPIC_BASE_URL = '{url}'\nclaude"));
}

#[test]
fn a_local_key_takes_the_place_of_the_real_one() {
    assert_eq!(
        Tool::OpenAiSdk.snippet(Shell::Fish, PROXY, Some("lf-sdk-1")),
        "set -gx OPENAI_BASE_URL http://localhost:8080/v1\nset -gx OPENAI_API_KEY lf-sdk-1"
    );
    assert!(Tool::Continue.snippet(Shell::Posix, PROXY, Some("lf-c-1")).ends_with("\n    apiKey: lf-c-1"));
}

#[test]
fn a_tool_that_reads_no_variable_is_told_on_its_command_line() {
    assert_eq!(
        Tool::Codex.snippet(Shell::Posix, PROXY, Some("lf-codex-1")),
        "export OPENAI_API_KEY=lf-codex-1\ncodex -c openai_base_url=http://localhost:8080/v1"
    );
    assert_eq!(
        Tool::Codex.setup(Shell::Posix, PROXY),
        "alias codex='codex -c openai_base_url=http://localhost:8080/v1'\n"
    );
    assert!(Tool::Codex.setup(Shell::PowerShell, PROXY).contains("-CommandType Application"));
    assert!(Tool::Cline.setup(Shell::PowerShell, PROXY).ends_with(" --apikey $env:OPENAI_API_KEY\n"));
}

#[test]
fn opencode_is_given_a_configuration() {
    for shell in Shell::ALL {
        let line = Tool::OpenCode.setup(shell, PROXY);
        let config: serde_json::Value = serde_json::from_str(line.split('\'').nth(1).unwrap()).unwrap();
        let base = |name: &str| config["provider"][name]["options"]["baseURL"].clone();
        assert_eq!(base("openai"), "http://localhost:8080/v1");
        assert_eq!(base("anthropic"), "http://localhost:8080/passthrough/anthropic/v1");
    }
}

#[test]
fn some_programs_need_more_than_variables() {
    let needs_of = |path| needs(path, PROXY);
    assert_eq!(needs_of("/usr/bin/codex").arguments, ["-c", "openai_base_url=http://localhost:8080/v1"]);
    assert_eq!(needs_of(r"C:\bin\codex.exe"), needs_of("codex"));
    let [(name, value)] = &needs_of("opencode").variables[..] else { panic!("one variable") };
    assert_eq!((*name, value.contains("/passthrough/anthropic/v1")), (OPENCODE, true));
    assert_eq!(needs_of("aider").variables, [("ANTHROPIC_API_BASE", format!("{PROXY}{ANTHROPIC}"))]);
    assert_eq!(needs_of("claude"), Needs::default());
    assert_eq!(needs_of("cline"), Needs::default());
}

#[test]
fn every_text_names_the_proxy_and_quotes_whole() {
    for tool in Tool::ALL {
        for shell in Shell::ALL {
            for text in [tool.setup(shell, PROXY), tool.snippet(shell, PROXY, Some("lf-1"))] {
                assert!(text.contains("http://localhost:8080/"), "{text}");
                assert!(text.matches('\'').count().is_multiple_of(2), "{text}");
            }
            assert!(tool.setup(shell, PROXY).ends_with('\n'));
        }
        assert!(tool.kept(PROXY).is_none_or(|(_, line)| line.contains("http://localhost:8080/")));
    }
}

/// The readme's table is written by hand.
#[test]
fn the_readme_says_the_same() {
    let readme = include_str!("../../../../README.md");
    for tool in Tool::ALL {
        let addresses = match tool.way(PROXY) {
            Way::Variables(all) => all.into_iter().map(|(_, value)| value).collect(),
            Way::Arguments { arguments, .. } => arguments,
            Way::Once { command, .. } => vec![command],
            Way::File { lines, .. } => vec![lines],
        };
        let row = readme.lines().find(|line| line.starts_with("| ") && line.contains(tool.name()));
        let row = row.unwrap_or_else(|| panic!("{} is not in the readme", tool.name()));
        for address in addresses.iter().flat_map(|text| text.split(['"', '=', ' ', '\n'])) {
            if address.starts_with(PROXY) {
                assert!(row.contains(address), "{}: {address} is not in {row}", tool.name());
            }
        }
    }
}
