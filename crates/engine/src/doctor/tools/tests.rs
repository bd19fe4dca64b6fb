//! The tools on machines made of a temporary folder.

use std::path::Path;

use super::super::Machine;
use super::*;

struct Fake {
    home: tempfile::TempDir,
    machine: Machine,
}

impl Fake {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let machine = Machine {
            home: home.path().to_owned(),
            programs: vec![home.path().join("bin")],
            applications: vec![home.path().join("Applications")],
            variables: std::collections::BTreeMap::new(),
        };
        Self { home, machine }
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.home.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// An npm package with its program, linked as npm does it.
    fn npm(self, package: &str, program: &str, version: &str) -> Self {
        let below = format!("lib/node_modules/{package}");
        let manifest = format!("{{\"name\": \"{package}\", \"version\": \"{version}\"}}");
        let fake =
            self.file(&format!("{below}/package.json"), &manifest).file(&format!("{below}/dist/cli.js"), "");
        let home = fake.home.path();
        std::fs::create_dir_all(home.join("bin")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(home.join(below).join("dist/cli.js"), home.join("bin").join(program))
            .unwrap();
        #[cfg(not(unix))]
        std::fs::write(home.join("bin").join(program), "").unwrap();
        fake
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.machine.variables.insert(name.into(), value.into());
        self
    }

    fn check(&self, serving: bool) -> Vec<Finding> {
        let settings = Settings::default();
        let machine = &self.machine;
        check(&Patient {
            machine,
            settings: &settings,
            instance: None,
            health: None,
            proxy_port: 8080,
            serving,
        })
    }
}

fn text(findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        format!("{:?} {}: {} > {:?}\n", finding.mark, finding.subject, finding.says, finding.remedy)
    };
    findings.iter().map(line).collect()
}

#[test]
fn nothing_here_is_said_so() {
    let findings = Fake::new().check(true);
    assert_eq!((findings.len(), findings[0].mark), (1, Mark::Note));
}

#[test]
fn programs_are_found_with_their_versions() {
    let fake = Fake::new()
        .npm("@anthropic-ai/claude-code", "claude", "2.1.197")
        .npm("@openai/codex", "codex", "0.169.0")
        .npm("something-else", "cn", "1.0.0")
        .file("bin/gemini", "")
        .file("lib/python3.12/site-packages/aider_chat-0.86.2.dist-info/METADATA", "")
        .file("bin/aider", "")
        .file("Applications/Cursor.app/Info.plist", "");
    let found = text(&fake.check(true));
    for subject in ["Claude Code 2.1.197:", "Codex 0.169.0:", "Gemini CLI:", "Aider 0.86.2:", "Cursor:"] {
        assert!(found.contains(subject), "{subject} in {found}");
    }
    assert!(!found.contains("Continue"), "another program called cn: {found}");
    let versions = |path: &str| found::find(&TOOLS[0], &Fake::new().file(path, "").machine_with(path));
    assert_eq!(versions("claude/versions/2.1.3/claude"), Some(Some("2.1.3".into())));
    assert_eq!(versions("Cellar/claude/2.0.1/bin/claude"), Some(Some("2.0.1".into())));
    assert_eq!(versions("somewhere/claude"), Some(None));
}

impl Fake {
    fn machine_with(&self, program: &str) -> Machine {
        let folder = self.home.path().join(program).parent().map(Path::to_owned).unwrap_or_default();
        Machine { programs: vec![folder], ..self.machine.clone() }
    }
}

#[test]
fn where_calls_go_is_told_apart() {
    let claude = || Fake::new().npm("@anthropic-ai/claude-code", "claude", "2.1.197");
    let ours = "http://localhost:8080/passthrough/anthropic";
    for (url, serving, mark, words) in [
        (ours, true, Mark::Ok, "ANTHROPIC_BASE_URL in this shell"),
        ("http://127.0.0.1:8080/anthropic/", true, Mark::Ok, "go through LLMFlow"),
        ("http://[::1]:8080/anthropic", true, Mark::Ok, "go through LLMFlow"),
        (ours, false, Mark::Fail, "llmflow serve"),
        ("http://localhost:8080", true, Mark::Fail, "does not lead"),
        ("http://localhost:8080/passthrough/nobody", true, Mark::Fail, "does not lead"),
        ("http://localhost:9999/x", true, Mark::Note, "localhost:9999"),
        ("https://user:secret@gateway.example/v1?key=secret", true, Mark::Note, "gateway.example"),
        ("rubbish", true, Mark::Note, "rubbish"),
    ] {
        let findings = claude().variable("ANTHROPIC_BASE_URL", url).check(serving);
        assert_eq!(findings[0].mark, mark, "{url}: {}", text(&findings));
        assert!(text(&findings[..1]).contains(words), "{words} in {}", text(&findings));
        assert!(!text(&findings).contains("secret"), "{}", text(&findings));
    }
    // What wins decides, wherever the rest leads.
    let settings = r#"{"env": {"ANTHROPIC_BASE_URL": "https://gateway.example"}}"#;
    let lost =
        claude().file(".claude/settings.json", settings).variable("ANTHROPIC_BASE_URL", ours).check(true);
    assert!(lost[0].mark == Mark::Note && lost[0].says.contains("gateway.example"), "{}", text(&lost));
    let none = claude().check(true);
    assert!(none[0].says.contains("far as can be seen"), "an alias is not: {}", text(&none));
    assert_eq!(none[0].mark, Mark::Note);
    assert!(none[0].remedy.as_deref().unwrap().contains("llmflow env"), "{}", text(&none));
    // Its own settings win over the shell.
    let settings = format!("{{\"env\": {{\"ANTHROPIC_BASE_URL\": \"{ours}\"}}}}");
    let both = claude().file(".claude/settings.json", &settings).check(true);
    assert!(both[0].mark == Mark::Ok && both[0].says.contains("settings.json"), "{}", text(&both));
}

#[test]
fn every_tools_files_are_understood() {
    for (package, program, file, content) in [
        ("@openai/codex", "codex", ".codex/config.toml", "openai_base_url = \"http://localhost:8080/v1\""),
        (
            "@openai/codex",
            "codex",
            ".codex/config.toml",
            "model_provider = \"x\"\n[model_providers.x]\nbase_url = \"http://127.0.0.1:8080/openai/v1\"",
        ),
        (
            "@google/gemini-cli",
            "gemini",
            ".gemini/.env",
            "# x\nexport GOOGLE_GEMINI_BASE_URL=\"http://localhost:8080/passthrough/gemini\"\n",
        ),
        (
            "opencode-ai",
            "opencode",
            ".config/opencode/opencode.json",
            r#"{"provider": {"a": {"options": {"baseURL": "https://x"}}, "b": {"options": {"baseURL": "http://localhost:8080/v1"}}}}"#,
        ),
        ("@qwen-code/qwen-code", "qwen", ".qwen/.env", "OPENAI_BASE_URL = 'http://localhost:8080/v1'"),
        (
            "@continuedev/cli",
            "cn",
            ".continue/config.yaml",
            "models:\n  - name: x\n    apiBase: http://localhost:8080/v1 # here\n",
        ),
    ] {
        let fake = Fake::new().npm(package, program, "1.0.0").file(file, content);
        let findings = fake.check(true);
        assert_eq!(findings[0].mark, Mark::Ok, "{file}: {}", text(&findings));
        assert!(findings[0].says.contains(file), "{}", text(&findings));
        let broken = Fake::new().npm(package, program, "1.0.0").file(file, "{ not [ readable");
        assert_eq!(broken.check(true)[0].mark, Mark::Note, "{file}");
    }
    let aider = Fake::new()
        .file("bin/aider", "")
        .file(".aider.conf.yml", "openai-api-base: \"http://localhost:8080/v1\"\n");
    assert_eq!(aider.check(true)[0].mark, Mark::Ok);
}

#[test]
fn losses_are_warned_of_where_they_bite() {
    let claude = || {
        Fake::new()
            .npm("@anthropic-ai/claude-code", "claude", "2.1.197")
            .variable("ANTHROPIC_BASE_URL", "http://localhost:8080/passthrough/anthropic")
    };
    let warned = |findings: &[Finding], word: &str| {
        findings.iter().any(|finding| {
            finding.mark == Mark::Warn && finding.says.contains(word) && finding.remedy.is_some()
        })
    };
    assert!(warned(&claude().check(true), "tool search"));
    assert!(!text(&claude().variable("ENABLE_TOOL_SEARCH", "true").check(true)).contains("tool search"));
    let file = claude().file(".claude/settings.json", r#"{"env": {"ENABLE_TOOL_SEARCH": true}}"#);
    assert!(!text(&file.check(true)).contains("tool search"));
    assert!(warned(&claude().variable("CLAUDE_CODE_USE_BEDROCK", "1").check(true), "cloud"));
    assert!(!warned(&claude().variable("CLAUDE_CODE_USE_BEDROCK", "0").check(true), "cloud"), "0 is off");

    let codex = Fake::new()
        .npm("@openai/codex", "codex", "0.169.0")
        .file(".codex/config.toml", "openai_base_url = \"http://localhost:8080/v1\"")
        .file(".codex/auth.json", r#"{"OPENAI_API_KEY": null, "tokens": {"access_token": "eyJsecret"}}"#);
    // Its sign-in is forwarded to where it belongs, so there is nothing to warn of, and nothing of it to show.
    assert!(!warned(&codex.check(true), "ChatGPT"));
    assert!(!text(&codex.check(true)).contains("eyJsecret"));

    let gemini = || {
        Fake::new()
            .npm("@google/gemini-cli", "gemini", "0.61.0")
            .variable("GOOGLE_GEMINI_BASE_URL", "http://localhost:8080/passthrough/gemini")
    };
    assert!(!warned(&gemini().check(true), "Google"));
    assert!(warned(&gemini().file(".gemini/oauth_creds.json", "{}").check(true), "ignores"));
    let chosen = r#"{"security": {"auth": {"selectedType": "gemini-api-key"}}}"#;
    let keyed = gemini().file(".gemini/oauth_creds.json", "{}").file(".gemini/settings.json", chosen);
    assert!(!warned(&keyed.check(true), "ignores"));
}

#[test]
fn folders_that_variables_name_and_commented_files_are_read() {
    let ours = "http://localhost:8080/passthrough/anthropic";
    let settings = format!("{{\n  // mine\n  \"env\": {{\"ANTHROPIC_BASE_URL\": \"{ours}\", /* x */}},\n}}");
    let fake = Fake::new()
        .npm("@anthropic-ai/claude-code", "claude", "2.1.197")
        .file("own/settings.json", &settings);
    let folder = fake.home.path().join("own").display().to_string();
    let found = fake.variable("CLAUDE_CONFIG_DIR", &folder).check(true);
    assert!(found[0].mark == Mark::Ok && found[0].says.contains("own/settings.json"), "{}", text(&found));

    let toml = "openai_base_url = \"http://localhost:8080/v1\"";
    let fake = Fake::new().npm("@openai/codex", "codex", "0.169.0").file("own/config.toml", toml);
    let folder = fake.home.path().join("own").display().to_string();
    assert_eq!(fake.variable("CODEX_HOME", &folder).check(true)[0].mark, Mark::Ok);

    let opencode = || Fake::new().npm("opencode-ai", "opencode", "1.18.33");
    let content = r#"{"provider": {"openai": {"options": {"baseURL": "http://localhost:8080/v1"}}}}"#;
    let elsewhere = content.replace("localhost:8080", "gateway.example");
    for fake in [
        opencode().variable("OPENCODE_CONFIG_CONTENT", content),
        opencode().variable("OPENAI_BASE_URL", "http://localhost:8080/v1"),
        opencode().file(".config/opencode/opencode.jsonc", &format!("// mine\n{content}")),
        // Each provider has its own address.
        opencode()
            .file(".config/opencode/opencode.json", &elsewhere)
            .variable("OPENCODE_CONFIG_CONTENT", content),
    ] {
        let found = fake.check(true);
        assert_eq!(found[0].mark, Mark::Ok, "{}", text(&found));
    }
}
