//! `llmflow doctor`: what is wrong is named with its remedy, what is well is not, and looking changes nothing.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use api::{Request, SourceTarget};
use serde_json::Value;
use tests::{App, Dialect, Mock, SECRETS, Session, send};

use super::{borrowed, err, out, run, towards};
use crate::requests::ask;

/// The findings about `subject`.
fn about<'a>(report: &'a Value, subject: &str) -> Vec<&'a Value> {
    let findings = report["findings"].as_array().unwrap().iter();
    findings.filter(|finding| finding["subject"].as_str().unwrap().starts_with(subject)).collect()
}

fn worst<'a>(report: &'a Value, subject: &str) -> &'a Value {
    let rank = |finding: &&&Value| match finding["mark"].as_str().unwrap() {
        "ok" => 0,
        "note" => 1,
        "warn" => 2,
        _ => 3,
    };
    about(report, subject).iter().max_by_key(rank).unwrap_or_else(|| panic!("{subject} in {report}"))
}

async fn examine(home: &Path, environment: &[(&str, &str)]) -> (Option<i32>, Value) {
    let output = run(home, &["doctor", "--json"], environment).await;
    assert!(!err(&output).contains("panicked"), "{}", err(&output));
    let report =
        serde_json::from_str(&out(&output)).unwrap_or_else(|error| panic!("{error}: {}", err(&output)));
    (output.status.code(), report)
}

fn free_port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[tokio::test]
async fn a_fresh_machine_is_well_and_stays_as_it_was() {
    let home = tempfile::tempdir().unwrap();
    let (proxy, dashboard) = (free_port(), free_port());
    let ports = [("PROXY_PORT", proxy.as_str()), ("DASHBOARD_PORT", dashboard.as_str())];
    let (code, report) = examine(home.path(), &ports).await;
    assert_eq!((code, &report["ok"]), (Some(0), &true.into()), "{report}");
    for subject in ["Settings", "Proxy port", "Dashboard port", "Data folder"] {
        assert_eq!(worst(&report, subject)["mark"], "ok", "{subject}: {report}");
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "looking makes nothing");
    let said = run(home.path(), &["doctor"], &ports).await;
    assert!(out(&said).contains(&format!("Port {proxy} is free")), "{}", out(&said));
}

#[tokio::test]
async fn a_running_one_is_well_and_a_switched_one_is_said() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    send(app.proxy, &ask(Dialect::Chat, false, "hello", "")).await;
    app.recorded(1).await;
    let environment = towards(&app);
    let (code, report) = examine(&app.home(), &borrowed(&environment)).await;
    assert_eq!(code, Some(0), "{report}");
    for (subject, word) in [
        ("Proxy port", app.proxy.to_string()),
        ("Dashboard port", app.dashboard.to_string()),
        ("Database", format!("process {}", app.process_id())),
    ] {
        let finding = worst(&report, subject);
        assert!(finding["mark"] == "ok" && finding["says"].as_str().unwrap().contains(&word), "{finding}");
    }
    for (to, word, remedy) in
        [(SourceTarget::Paused, "paused", "resume"), (SourceTarget::Stopped, "switched off", "proxy on")]
    {
        app.ask(&Request::SetSource { name: "proxy".into(), to }).await;
        let (code, report) = examine(&app.home(), &borrowed(&environment)).await;
        let finding = worst(&report, "Proxy port");
        assert_eq!((code, &finding["mark"]), (Some(0), &"warn".into()), "{report}");
        assert!(finding["says"].as_str().unwrap().contains(word), "{finding}");
        assert!(finding["remedy"].as_str().unwrap().contains(remedy), "{finding}");
    }
    // The same machine after it ended: the database is looked into.
    let finished = app.stop();
    let before = tests::files(&finished.setup.data());
    let (_, report) = examine(tempfile::tempdir().unwrap().path(), &borrowed(&environment)).await;
    let database = worst(&report, "Database");
    assert!(database["mark"] == "ok" && database["says"].as_str().unwrap().contains("1 calls"), "{database}");
    assert_eq!(tests::files(&finished.setup.data()), before, "no side files are left");
    // And damaged.
    let path = finished.setup.data().join("data.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 3;
    bytes[4096..middle].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let (code, report) = examine(tempfile::tempdir().unwrap().path(), &borrowed(&environment)).await;
    let database = worst(&report, "Database");
    assert_eq!((code, &database["mark"]), (Some(1), &"fail".into()), "{database}");
    assert!(database["remedy"].as_str().unwrap().contains("move"), "{database}");
}

#[tokio::test]
async fn a_taken_port_names_who_has_it_and_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dashboard = free_port();
    let ports = [("PROXY_PORT", port.as_str()), ("DASHBOARD_PORT", dashboard.as_str())];
    let (code, report) = examine(home.path(), &ports).await;
    let finding = worst(&report, "Proxy port");
    assert_eq!((code, &finding["mark"]), (Some(1), &"fail".into()), "{report}");
    assert!(finding["remedy"].as_str().unwrap().contains("PROXY_PORT"), "{finding}");
    let process = std::process::id().to_string();
    assert!(finding["says"].as_str().unwrap().contains(&process), "it is this test: {finding}");
    assert_eq!(worst(&report, "Dashboard port")["mark"], "ok");
    let said = run(home.path(), &["doctor"], &ports).await;
    assert!(out(&said).contains("FAIL  Proxy port") && said.status.code() == Some(1), "{}", out(&said));

    // Another LLMFlow's port is known as such.
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let proxy = app.proxy.port().to_string();
    let (_, report) = examine(home.path(), &[("PROXY_PORT", &proxy), ("DASHBOARD_PORT", &dashboard)]).await;
    let finding = worst(&report, "Proxy port");
    assert!(finding["says"].as_str().unwrap().contains("another data folder"), "{finding}");
}

#[tokio::test]
async fn broken_settings_are_named_and_the_rest_is_still_looked_at() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("settings.toml");
    let (proxy, dashboard, path) = (free_port(), free_port(), file.display().to_string());
    let environment =
        [("PROXY_PORT", proxy.as_str()), ("DASHBOARD_PORT", &dashboard), ("LLMFLOW_CONFIG", &path)];
    for (text, word) in
        [("proxi_port = 1", "proxi_port"), ("max_body_mb = 'x'", "max_body_mb"), ("[[", "settings.toml")]
    {
        std::fs::write(&file, text).unwrap();
        let (code, report) = examine(home.path(), &environment).await;
        let finding = worst(&report, "Settings");
        assert_eq!((code, &finding["mark"]), (Some(1), &"fail".into()), "{report}");
        assert!(
            finding["says"].as_str().unwrap().contains(word) && finding["remedy"].is_string(),
            "{finding}"
        );
        assert!(worst(&report, "Proxy port")["says"].as_str().unwrap().contains(&proxy), "{report}");
    }
    std::fs::remove_file(&file).unwrap();
    assert_eq!(examine(home.path(), &environment).await.0, Some(1), "a file that was named has to be there");
    let (code, report) = examine(home.path(), &[("PROXY_PORT", "http")]).await;
    assert!(
        code == Some(1) && worst(&report, "Settings")["says"].as_str().unwrap().contains("PROXY_PORT"),
        "{report}"
    );
}

#[tokio::test]
async fn a_folder_others_can_look_into_is_warned_of() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let (proxy, dashboard, shown) = (free_port(), free_port(), data.display().to_string());
    let environment = [("PROXY_PORT", proxy.as_str()), ("DASHBOARD_PORT", &dashboard), ("DATA_DIR", &shown)];
    for (mode, mark) in [(0o755, "warn"), (0o750, "warn"), (0o700, "ok")] {
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(mode)).unwrap();
        let (code, report) = examine(home.path(), &environment).await;
        let finding = worst(&report, "Data folder");
        assert_eq!((code, &finding["mark"]), (Some(0), &mark.into()), "{report}");
        assert!(mark == "ok" || finding["remedy"].as_str().unwrap().contains("chmod 700"), "{finding}");
    }
    std::fs::write(data.join("data.db"), "not a database at all, but somebody's").unwrap();
    let (_, report) = examine(home.path(), &environment).await;
    assert!(worst(&report, "Database")["says"].as_str().unwrap().contains("another program"), "{report}");
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (code, report) =
        examine(home.path(), &[environment[0], environment[1], ("DATA_DIR", file.to_str().unwrap())]).await;
    let finding = worst(&report, "Settings");
    assert_eq!((code, &finding["mark"]), (Some(1), &"fail".into()), "{report}");
    assert!(finding["says"].as_str().unwrap().contains("not a folder"), "{finding}");
}

#[tokio::test]
async fn a_tool_that_points_at_a_proxy_that_is_down_fails() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let programs = tempfile::tempdir().unwrap();
    let claude = programs.path().join("claude");
    std::fs::write(&claude, "#!/bin/sh\ntouch \"$0.ran\"\n").unwrap();
    std::fs::set_permissions(&claude, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = programs.path().display().to_string();
    let url = format!("http://localhost:{}/passthrough/anthropic", app.proxy.port());
    let mut environment = towards(&app);
    environment.extend([("PATH", path), ("ANTHROPIC_BASE_URL", url)]);
    let (code, report) = examine(&app.home(), &borrowed(&environment)).await;
    assert_eq!((code, &about(&report, "Claude Code")[0]["mark"]), (Some(0), &"ok".into()), "{report}");
    assert!(
        about(&report, "Claude Code")
            .iter()
            .any(|finding| finding["says"].as_str().unwrap().contains("tool search"))
    );
    let finished = app.stop();
    let (code, report) = examine(finished.setup.data().parent().unwrap(), &borrowed(&environment)).await;
    let finding = worst(&report, "Claude Code");
    assert_eq!((code, &finding["mark"]), (Some(1), &"fail".into()), "{report}");
    assert!(finding["remedy"].as_str().unwrap().contains("llmflow serve"), "{finding}");
    assert!(!programs.path().join("claude.ran").exists(), "tools are looked at, never run");
}

/// Only when asked does it ask the providers, and it names those that do not answer.
#[tokio::test]
async fn providers_are_asked_only_on_request() {
    let mock = Mock::start().await;
    let home = tempfile::tempdir().unwrap();
    let upstream = format!("http://{}", mock.address());
    let names = [
        "OPENAI",
        "ANTHROPIC",
        "GEMINI",
        "HELICONE",
        "COHERE",
        "GROQ",
        "MISTRAL",
        "TOGETHER",
        "PERPLEXITY",
        "OPENROUTER",
        "AZURE",
        "DEEPSEEK",
        "XAI",
        "FIREWORKS",
        "CEREBRAS",
        "LMSTUDIO",
        "VLLM",
    ];
    let mut environment: Vec<(String, String)> =
        names.iter().map(|name| (format!("LLMFLOW_UPSTREAM_{name}"), upstream.clone())).collect();
    environment.push(("LLMFLOW_UPSTREAM_OLLAMA".into(), format!("http://127.0.0.1:{}", free_port())));
    environment.extend([("PROXY_PORT".into(), free_port()), ("DASHBOARD_PORT".into(), free_port())]);
    let environment: Vec<(&str, &str)> =
        environment.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    examine(home.path(), &environment).await;
    assert!(mock.exchanges().is_empty(), "nothing leaves the machine unasked");
    let output = run(home.path(), &["doctor", "--json", "--online"], &environment).await;
    let report: Value = serde_json::from_str(&out(&output)).unwrap();
    assert!(worst(&report, "Providers")["says"].as_str().unwrap().contains("Anthropic"), "{report}");
    assert_eq!(worst(&report, "Ollama")["mark"], "warn", "{report}");
    let asked = mock.exchanges();
    assert_eq!(asked.len(), names.len());
    assert!(asked.iter().all(|exchange| exchange.received.head.header("authorization").is_none()));
}

#[tokio::test]
async fn the_keychain_is_said_as_it_is() {
    const PASSWORD: &str = "open sesame";
    let home = tempfile::tempdir().unwrap();
    let (proxy, dashboard) = (free_port(), free_port());
    let said = async |session: &Session, state: &str| {
        let mut environment = session.environment();
        environment.extend([("PROXY_PORT", proxy.clone()), ("DASHBOARD_PORT", dashboard.clone())]);
        environment.push(("LLMFLOW_KEYCHAIN", state.to_owned()));
        let (code, report) = examine(home.path(), &borrowed(&environment)).await;
        assert_eq!(code, Some(0), "LLMFlow works without: {report}");
        worst(&report, "Keychain").clone()
    };
    let (session, bare) = (Session::with_keyring(PASSWORD).await, Session::start().await);
    assert_eq!(said(&session, "on").await["mark"], "ok");
    session.lock_keyring().await;
    let locked = said(&session, "on").await;
    assert!(locked["mark"] == "warn" && locked["remedy"].as_str().unwrap().contains("Unlock"), "{locked}");
    let off = said(&session, "off").await;
    assert!(off["mark"] == "note" && off["says"].as_str().unwrap().contains("switched off"), "{off}");
    let absent = said(&bare, "on").await;
    assert!(absent["mark"] == "note" && absent["remedy"].is_string(), "{absent}");
    let _held = bare.hold_silently(SECRETS).await;
    let silent = said(&bare, "on").await;
    assert!(silent["says"].as_str().unwrap().contains("does not answer"), "{silent}");
}
