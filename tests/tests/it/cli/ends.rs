//! What goes wrong around a command: readers that leave, settings that are broken, ports that are taken, a stop that
//! takes its time.

use std::process::{ExitStatus, Stdio};

use tests::{App, Client, Dialect, Mock, Plan, command, wait_until};

use super::{borrowed, err, out, run, towards};
use crate::requests::ask;

/// The command's end when nobody reads what it prints, or what it says to be wrong.
async fn unread(arguments: &[&str], environment: &[(&str, &str)], with_errors: bool) -> (ExitStatus, String) {
    let home = tempfile::tempdir().unwrap();
    let closed = || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        Stdio::from(writer)
    };
    let said = home.path().join("said");
    let mut command = command(home.path());
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).stdout(closed());
    command.stderr(if with_errors { closed() } else { std::fs::File::create(&said).unwrap().into() });
    let mut child = command.spawn().unwrap();
    let status = wait_until(&format!("{arguments:?} to end"), async || child.try_wait().unwrap()).await;
    (status, std::fs::read_to_string(said).unwrap_or_default())
}

#[tokio::test]
async fn a_reader_that_leaves_changes_nothing() {
    let ports = [("PROXY_PORT", "1"), ("DASHBOARD_PORT", "0")];
    for (arguments, code) in [
        (&["status"][..], 3),
        (&["status", "--json"], 3),
        (&["proxy", "on"], 3),
        (&["env"], 0),
        (&["run", "--", "true"], 0),
    ] {
        let (status, said) = unread(arguments, &ports, false).await;
        assert_eq!(status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
        let (status, _) = unread(arguments, &ports, true).await;
        assert_eq!(status.code(), Some(code), "{arguments:?}, with nobody to complain to");
    }
    let (status, said) = unread(&["doctor"], &ports, false).await;
    assert!(!said.contains("panicked") && status.code().is_some_and(|code| code < 2), "{status:?} {said}");
    // The log of a server, too.
    let off = ["PROXY_PORT", "DASHBOARD_PORT", "OTLP_HTTP_PORT", "OTLP_GRPC_PORT"].map(|port| (port, "0"));
    let (status, _) = unread(&["serve"], &[&off[..], &[("VERBOSE", "1")]].concat(), true).await;
    assert_eq!(status.code(), Some(1), "there is nothing to start");
}

#[tokio::test]
async fn broken_settings_keep_no_shell_and_no_tool_from_starting() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("settings.toml");
    std::fs::write(&file, "proxi_port = 1").unwrap();
    let environment = [("LLMFLOW_CONFIG", file.to_str().unwrap())];
    let printed = run(home.path(), &["env"], &environment).await;
    assert_eq!((printed.status.code(), out(&printed).as_str()), (Some(0), ""));
    assert!(err(&printed).contains("proxi_port"), "{}", err(&printed));
    let ran = run(home.path(), &["run", "--", "sh", "-c", "printf ran; exit 7"], &environment).await;
    assert_eq!((ran.status.code(), out(&ran).as_str()), (Some(7), "ran"));
    let said = err(&ran);
    assert!(said.contains("nothing is recorded") && said.contains("proxi_port"), "{said}");
}

#[tokio::test]
async fn what_is_wrong_is_said_once() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().to_str().unwrap();
    let unreadable = run(home.path(), &["status", "--config", folder], &[]).await;
    assert_eq!(err(&unreadable).matches("directory").count(), 1, "{}", err(&unreadable));
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let inside = file.join("data").display().to_string();
    let no_folder = run(home.path(), &["serve"], &[("DATA_DIR", inside.as_str())]).await;
    assert_eq!(no_folder.status.code(), Some(1));
    assert_eq!(err(&no_folder).to_lowercase().matches("not a directory").count(), 1, "{}", err(&no_folder));

    let port = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let name = |taken: &std::net::TcpListener| taken.local_addr().unwrap().port().to_string();
    let taken = [port(), port()];
    let [proxy, dashboard] = taken.each_ref().map(name);
    let data = home.path().join("data").display().to_string();
    // A port for telemetry is free: what nobody can look at does not run on for that.
    let free = name(&port());
    let environment = [
        ("PROXY_PORT", proxy.as_str()),
        ("DASHBOARD_PORT", dashboard.as_str()),
        ("OTLP_HTTP_PORT", free.as_str()),
        ("DATA_DIR", &data),
    ];
    let ended = run(home.path(), &["serve"], &environment).await;
    assert_eq!(ended.status.code(), Some(1));
    for port in [proxy, dashboard] {
        assert_eq!(err(&ended).matches(&format!("port {port} is taken")).count(), 1, "{}", err(&ended));
    }
}

#[tokio::test]
async fn help_begins_with_what_this_is() {
    let home = tempfile::tempdir().unwrap();
    for flag in ["--help", "-h"] {
        let help = out(&run(home.path(), &[flag], &[]).await);
        assert!(help.starts_with("A local proxy in front of every LLM provider"), "{help}");
    }
}

#[tokio::test]
async fn a_log_that_no_terminal_shows_has_no_colours() {
    let mock = Mock::start().await;
    let app = tests::Setup::new(mock.address()).log("debug").start().await;
    wait_until("something in the log", async || app.log().contains("DEBUG").then_some(())).await;
    assert!(!app.log().contains('\u{1b}'), "{}", app.log());
}

#[tokio::test]
async fn status_says_that_it_stops_while_calls_finish() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let mut client = Client::open(app.proxy, &ask(Dialect::Anthropic, true, "Take your time", "")).await;
    client.head().await.unwrap();
    app.terminate();
    let environment = towards(&app);
    let status = wait_until("it to say that it stops", async || {
        let status = run(&app.home(), &["status"], &borrowed(&environment)).await;
        out(&status).contains("is stopping").then_some(status)
    })
    .await;
    assert_eq!(status.status.code(), Some(0), "it still runs");
    let json = run(&app.home(), &["status", "--json"], &borrowed(&environment)).await;
    let json: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
    assert_eq!(json["instance"]["stopping"], true, "{json}");
    let switched = run(&app.home(), &["proxy", "pause"], &borrowed(&environment)).await;
    assert!(err(&switched).contains("is stopping"), "{}", err(&switched));
    mock.open_gate(1_000);
    client.rest().await;
    let finished = app.ends().await;
    assert!(finished.status.success(), "{}", finished.stderr);
    assert!(!finished.stderr.contains("ERROR"), "{}", finished.stderr);
}
