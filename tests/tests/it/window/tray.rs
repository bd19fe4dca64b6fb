//! Every entry of the tray, clicked as a panel does, and what each one did.

use std::path::Path;

use api::{SourceState, SourceTarget};
use tests::{App, Dialect, Mock, Plan, Screen, Tray, send, try_send, wait_until};

use super::{TITLE, program, setup, start};
use crate::requests::{ask, request};

async fn state(app: &App) -> SourceState {
    app.health().await.sources.into_iter().find(|source| source.name == "proxy").unwrap().state
}

async fn says(tray: &Tray, label: &str) {
    tray.entry(label).await;
}

async fn call(mock: &Mock, app: &App, agent: &str) {
    mock.answer(|received| Plan::default().answer(received));
    let line = format!("User-Agent: {agent}\r\n");
    assert_eq!(send(app.proxy, &ask(Dialect::Anthropic, true, "Hello", &line)).await.status(), 200);
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn the_tray_says_how_it_is_and_switches_the_proxy() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let app = start(&program, &mock, &screen).await;
    let port = app.proxy.port();
    says(&tray, "Today $0.00 · 0 calls").await;
    says(&tray, &format!("Recording on port {port}")).await;
    assert!(!tray.entry("Today").await.enabled, "what is only said cannot be clicked");
    let recording = tray.icon().await;

    call(&mock, &app, "claude-cli/2.1.0 (external, cli)").await;
    let cost = app.recorded(1).await[0].cost.unwrap();
    assert!(cost.pico() > 0);
    wait_until("the call in the tray", async || {
        tray.entry("Today").await.label.ends_with("· 1 call").then_some(())
    })
    .await;

    tray.click(&["Pause recording"]).await;
    says(&tray, "Resume recording").await;
    assert!(matches!(state(&app).await, SourceState::Paused { .. }));
    says(&tray, &format!("Paused: port {port} forwards")).await;
    wait_until("another picture", async || (tray.icon().await != recording).then_some(())).await;
    call(&mock, &app, "curl/8").await;
    assert_eq!(app.calls().await.len(), 1, "a call while paused goes through and is not kept");
    tray.click(&["Resume recording"]).await;
    says(&tray, "Pause recording").await;
    assert!(matches!(state(&app).await, SourceState::Running { .. }));

    let off = tray.entry("Turn proxy off").await;
    let stranded: Vec<&str> = off.children.iter().map(|entry| entry.label.as_str()).collect();
    assert_eq!(stranded, ["Claude Code: 1 call in 24 hours", "", "Turn off anyway"]);
    tray.click(&["Turn proxy off", "Turn off anyway"]).await;
    says(&tray, "Turn proxy on").await;
    assert!(try_send(app.proxy, &request("GET", "/health", "", b"")).await.is_err(), "the port is closed");
    says(&tray, "Proxy is off").await;
    assert!(!tray.entry("Pause recording").await.enabled, "nothing is recorded that could be paused");
    assert!(!tray.entry("Copy environment for").await.enabled, "there is nothing to point at");
    tray.click(&["Turn proxy on"]).await;
    says(&tray, &format!("Recording on port {port}")).await;
    assert_eq!(send(app.proxy, &request("GET", "/health", "", b"")).await.status(), 200);

    // What another door switches shows here too.
    app.ask(&api::Request::SetSource { name: "proxy".into(), to: SourceTarget::Paused }).await;
    says(&tray, "Resume recording").await;
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn the_tray_copies_what_points_each_tool_here() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let app = start(&program, &mock, &screen).await;
    says(&tray, "Recording").await;
    let address = format!("http://localhost:{}", app.proxy.port());
    let tools = [
        ("Claude Code", "ANTHROPIC_BASE_URL", "/passthrough/anthropic"),
        ("Codex CLI", "openai_base_url", "/v1"),
        ("Gemini CLI", "GOOGLE_GEMINI_BASE_URL", "/passthrough/gemini"),
        ("opencode", "OPENCODE_CONFIG_CONTENT", "/v1"),
        ("Aider", "OPENAI_API_BASE", "/v1"),
        ("OpenAI SDK", "OPENAI_BASE_URL", "/v1"),
    ];
    let shells = [
        ("bash", ["export ", "alias "]),
        ("fish", ["set -gx ", "alias "]),
        ("PowerShell", ["$env:", "function "]),
    ];
    for (tool, variable, path) in tools {
        for (shell, starts) in shells {
            tray.click(&["Copy environment for", tool, shell]).await;
            let text = wait_until(&format!("{tool} for {shell} on the clipboard"), async || {
                screen.clipboard().filter(|text| {
                    text.contains(variable) && starts.iter().any(|start| text.starts_with(start))
                })
            })
            .await;
            assert!(text.contains(&format!("{address}{path}")), "{tool} for {shell}: {text}");
        }
    }
}

/// A browser that only notes what it was given.
fn pretend_browser(folder: &Path) -> (String, std::path::PathBuf) {
    let (place, note) = (folder.join("bin"), folder.join("opened"));
    std::fs::create_dir_all(&place).unwrap();
    let script = place.join("xdg-open");
    std::fs::write(&script, format!("#!/bin/sh\necho \"$1\" > {}\n", note.display())).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    (format!("{}:{}", place.display(), std::env::var("PATH").unwrap()), note)
}

#[tokio::test]
#[ignore = "needs the desktop app: cargo xtask test"]
async fn the_tray_opens_starts_at_login_and_quits() {
    let program = program();
    let (mock, screen) = (Mock::start().await, Screen::start().await);
    let tray = screen.tray().await;
    let (path, opened) = pretend_browser(&screen.session.home());
    let data = screen.session.home().join("my data");
    let start = setup(&program, &mock, &screen).variable("PATH", &path);
    let app = start.argument("--data-dir").argument(data.to_str().unwrap()).start().await;
    let window = screen.window(TITLE).await;
    says(&tray, "Recording").await;

    // Closing hides the window, and the engine runs on.
    screen.close(&window);
    screen.no_window().await;
    assert_eq!(send(app.proxy, &request("GET", "/health", "", b"")).await.status(), 200);
    tray.click(&["Open dashboard"]).await;
    screen.window(TITLE).await;

    tray.click(&["Open in browser"]).await;
    let address = wait_until("an address in the browser", async || {
        std::fs::read_to_string(&opened).ok().filter(|address| address.ends_with('\n'))
    })
    .await;
    assert_eq!(address.trim(), format!("http://localhost:{}/", app.dashboard.port()));

    let entry = screen.session.home().join(".config/autostart/LLMFlow.desktop");
    assert!(!tray.entry("Start at login").await.checked && !entry.exists());
    tray.click(&["Start at login"]).await;
    wait_until("an entry for starting at login", async || {
        (entry.exists() && tray.entry("Start at login").await.checked).then_some(())
    })
    .await;
    let text = std::fs::read_to_string(&entry).unwrap();
    let command = format!("{} --hidden --data-dir \"{}\"", program.display(), data.display());
    assert!(text.contains(&format!("Exec={command}\n")), "{text}");

    // Taken away by somebody else, and seen when the menu is looked at anew.
    std::fs::remove_file(&entry).unwrap();
    app.ask(&api::Request::SetSource { name: "proxy".into(), to: SourceTarget::Paused }).await;
    wait_until("the tick to be gone", async || (!tray.entry("Start at login").await.checked).then_some(()))
        .await;
    tray.click(&["Start at login"]).await;
    wait_until("the entry again", async || {
        (entry.exists() && tray.entry("Start at login").await.checked).then_some(())
    })
    .await;
    tray.click(&["Start at login"]).await;
    wait_until("no entry for starting at login", async || {
        (!entry.exists() && !tray.entry("Start at login").await.checked).then_some(())
    })
    .await;

    tray.click(&["Quit LLMFlow"]).await;
    let finished = app.ends().await;
    assert!(finished.status.success(), "{}", finished.stderr);
    screen.no_window().await;
}
