//! The command line: what it prints, with which code it ends, and that it never hangs.

mod data;
mod doctor;
mod ends;
mod proxy;

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tests::{App, Mock, command, wait_until};

/// Runs `llmflow` to its end; with a deadline, since hanging is the fault looked for.
pub(crate) async fn run(home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = command(home);
    // The usual ports may be held by what the developer runs.
    command.env("OTLP_HTTP_PORT", "0").env("OTLP_GRPC_PORT", "0");
    command.args(arguments).envs(environment.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    wait_until(&format!("llmflow {arguments:?} to end"), async || child.try_wait().unwrap()).await;
    child.wait_with_output().unwrap()
}

pub(crate) fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The environment that leads to a running app.
pub(crate) fn towards(app: &App) -> Vec<(&'static str, String)> {
    vec![
        ("DATA_DIR", app.data().display().to_string()),
        ("PROXY_PORT", app.proxy.port().to_string()),
        ("DASHBOARD_PORT", app.dashboard.port().to_string()),
    ]
}

pub(crate) fn borrowed<'a>(environment: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[tokio::test]
async fn status_tells_whether_it_runs() {
    let mock = Mock::start().await;
    let home = tempfile::tempdir().unwrap();
    let down = run(home.path(), &["status"], &[]).await;
    assert_eq!(down.status.code(), Some(3));
    assert!(out(&down).contains("llmflow serve"), "{}", out(&down));
    let down = run(home.path(), &["status", "--json"], &[]).await;
    assert_eq!(serde_json::from_str::<Value>(&out(&down)).unwrap()["running"], false);
    assert!(!home.path().join(".llmflow").exists(), "asking makes nothing");

    let app = App::start(mock.address()).await;
    let environment = towards(&app);
    let up = run(&app.home(), &["status"], &borrowed(&environment)).await;
    assert_eq!(up.status.code(), Some(0), "{}", err(&up));
    for part in [app.proxy.port().to_string(), app.dashboard.port().to_string(), app.process_id().to_string()]
    {
        assert!(out(&up).contains(&part), "{part} in {}", out(&up));
    }
    let up = run(&app.home(), &["status", "--json"], &borrowed(&environment)).await;
    let status: Value = serde_json::from_str(&out(&up)).unwrap();
    assert_eq!((&status["running"], &status["health"]["status"]), (&true.into(), &"ok".into()), "{status}");
    assert_eq!(status["instance"]["pid"], app.process_id());

    // Killed: the lock is gone with its process.
    let finished = app.kill();
    let data = finished.setup.data().display().to_string();
    let down = run(home.path(), &["status"], &[("DATA_DIR", &data)]).await;
    assert_eq!(down.status.code(), Some(3), "{}", out(&down));
}

#[tokio::test]
async fn env_prints_for_each_shell_and_nothing_when_down() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let environment = towards(&app);
    let port = app.proxy.port();
    for (shell, line) in [
        ("bash", format!("export OPENAI_BASE_URL=\"http://localhost:{port}/v1\"")),
        ("zsh", format!("export OPENAI_BASE_URL=\"http://localhost:{port}/v1\"")),
        ("fish", format!("set -gx OPENAI_BASE_URL \"http://localhost:{port}/v1\";")),
        ("powershell", format!("$env:OPENAI_BASE_URL = \"http://localhost:{port}/v1\"")),
    ] {
        let printed = run(&app.home(), &["env", "--shell", shell], &borrowed(&environment)).await;
        assert_eq!(printed.status.code(), Some(0));
        assert!(out(&printed).lines().any(|found| found == line), "{shell}: {}", out(&printed));
        for name in ["ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL"] {
            assert!(out(&printed).contains(name), "{shell}: {}", out(&printed));
        }
        let down = run(
            &app.home(),
            &["env", "--shell", shell],
            &[("PROXY_PORT", "1"), ("DATA_DIR", "/nonexistent/x")],
        )
        .await;
        assert_eq!((down.status.code(), out(&down).as_str()), (Some(0), ""), "{shell}, down");
    }
    // What bash makes of it.
    let binary = tests::binary().display();
    let script = format!("eval \"$({binary} env)\" && printf %s \"$OPENAI_BASE_URL\"");
    let evaluated =
        std::process::Command::new("bash").args(["-c", &script]).envs(environment).output().unwrap();
    assert_eq!(out(&evaluated), format!("http://localhost:{port}/v1"), "{}", err(&evaluated));
    // With the settings' ports wrong the running instance is still found by its data folder.
    let data = app.data().display().to_string();
    let found = run(&app.home(), &["env"], &[("DATA_DIR", &data), ("PROXY_PORT", "1")]).await;
    assert!(out(&found).contains(&port.to_string()), "{}", out(&found));
}

/// A port that accepts and says nothing, or something else's port: nothing is printed, and nothing hangs.
#[tokio::test]
async fn env_does_not_hang_or_trust_another_program() {
    let home = tempfile::tempdir().unwrap();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let printed = run(home.path(), &["env"], &[("PROXY_PORT", &port)]).await;
    assert_eq!((printed.status.code(), out(&printed).as_str()), (Some(0), ""));
    let mock = Mock::start().await;
    let port = mock.address().port().to_string();
    let printed = run(home.path(), &["env"], &[("PROXY_PORT", &port)]).await;
    assert_eq!(
        (printed.status.code(), out(&printed).as_str()),
        (Some(0), ""),
        "another program answers there"
    );
}

#[tokio::test]
async fn run_sets_the_variables_and_works_without_us_too() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let environment = towards(&app);
    let script = "printf '%s|%s' \"$ANTHROPIC_BASE_URL\" \"$1\"; exit 7";
    let arguments = ["run", "--", "sh", "-c", script, "sh", "--flag=a b"];
    let ran = run(&app.home(), &arguments, &borrowed(&environment)).await;
    let port = app.proxy.port();
    assert_eq!(out(&ran), format!("http://localhost:{port}/passthrough/anthropic|--flag=a b"));
    assert_eq!(
        (ran.status.code(), err(&ran).as_str()),
        (Some(7), ""),
        "the command's own code, and nothing said"
    );

    // Codex reads no variable for it.
    let codex = app.home().join("codex");
    std::fs::write(&codex, "#!/bin/sh\nprintf '%s|' \"$@\"\n").unwrap();
    std::fs::set_permissions(&codex, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let ran =
        run(&app.home(), &["run", "--", codex.to_str().unwrap(), "exec", "hi"], &borrowed(&environment))
            .await;
    assert_eq!(out(&ran), format!("-c|openai_base_url=http://localhost:{port}/v1|exec|hi|"), "{}", err(&ran));

    let home = tempfile::tempdir().unwrap();
    let ran = run(home.path(), &arguments, &[("PROXY_PORT", "1")]).await;
    assert_eq!((out(&ran).as_str(), ran.status.code()), ("|--flag=a b", Some(7)), "it runs all the same");
    assert!(err(&ran).contains("llmflow serve"), "and says that nothing is recorded: {}", err(&ran));

    let missing = run(home.path(), &["run", "--", "no-such-program-here"], &[("PROXY_PORT", "1")]).await;
    assert!(!missing.status.success() && err(&missing).contains("no-such-program-here"), "{}", err(&missing));
    assert!(!run(home.path(), &["run"], &[]).await.status.success());
}

#[tokio::test]
async fn bad_settings_name_the_remedy() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("settings.toml");
    let path = file.display().to_string();
    let said = async |environment: &[(&str, &str)], settings: &str| {
        std::fs::write(&file, settings).unwrap();
        let environment = [environment, &[("LLMFLOW_CONFIG", path.as_str())]].concat();
        let output = run(home.path(), &["serve"], &environment).await;
        assert_eq!(output.status.code(), Some(1), "{settings} {environment:?}");
        let said = err(&output);
        assert!(!said.contains("panicked"), "{said}");
        said
    };
    let off = [("PROXY_PORT", "0"), ("DASHBOARD_PORT", "0")];
    for (environment, settings, words) in [
        (&[("PROXY_PORT", "http")][..], "", &["PROXY_PORT", "http"][..]),
        (&[("PROXY_PORT", "70000")], "", &["PROXY_PORT", "65535"]),
        (&[("PROXY_PORT", "4000"), ("DASHBOARD_PORT", "4000")], "", &["4000", "DASHBOARD_PORT"]),
        (&off, "proxi_port = 1", &["proxi_port", "settings.toml"]),
        (&off, "proxy_port = 'x'", &["proxy_port", "settings.toml"]),
        (&off, "[[", &["settings.toml"]),
        (&off, "[providers.nobody]", &["nobody", "openai"]),
        (&off, "[providers.passthrough]\nbase_url = 'http://x'", &["passthrough"]),
        (&[off[0], off[1], ("LLMFLOW_UPSTREAM_OPENAI", "not a url")], "", &["openai", "not a url"]),
        (&[off[0], off[1], ("LLMFLOW_UPSTREAM_OPENAI", "ftp://x")], "", &["openai", "http://"]),
        (&[off[0], off[1], ("LLMFLOW_UPSTREAM_GROQ", "http://user:pass@x")], "", &["groq"]),
        (
            &[
                ("PROXY_PORT", "4001"),
                ("DASHBOARD_PORT", "0"),
                ("LLMFLOW_UPSTREAM_OLLAMA", "http://localhost:4001"),
            ],
            "",
            &["ollama", "4001"],
        ),
        (&[off[0], off[1], ("DATA_DIR", "/proc/nowhere")], "", &["/proc/nowhere", "DATA_DIR"]),
    ] {
        let said = said(environment, settings).await;
        for word in words {
            assert!(said.contains(word), "{word:?} in {said:?} for {environment:?} {settings:?}");
        }
        assert!(!said.contains("pass@"), "a password is not repeated: {said}");
    }
    let missing = run(home.path(), &["serve", "--config", "/nonexistent.toml"], &off).await;
    assert!(err(&missing).contains("/nonexistent.toml"), "{}", err(&missing));
}
