//! Settings as the page shows and changes them: who said what, what is refused, and what the file looks like after.

use api::{Reply, Request, Setting, SettingOrigin, SettingsView, SourceTarget};
use tests::{App, Client, Mock, Plan, Setup, send, wait_until};

use crate::requests::{ask, request};

async fn view(app: &App) -> SettingsView {
    match app.ask(&Request::GetSettings).await {
        Reply::Settings(view) => view,
        other => panic!("{other:?}"),
    }
}

fn row<'a>(view: &'a SettingsView, name: &str) -> &'a Setting {
    view.settings.iter().find(|setting| setting.name == name).unwrap_or_else(|| panic!("{name}"))
}

/// Asks for a change; the view after it, or the error.
async fn change(app: &App, name: &str, value: Option<&str>) -> Result<SettingsView, api::ApiError> {
    let question = Request::ChangeSetting { name: name.into(), value: value.map(str::to_owned) };
    let body = serde_json::to_vec(&question).unwrap();
    let json = "Content-Type: application/json\r\n";
    let response = send(app.dashboard, &request("POST", "/api/rpc", json, &body)).await;
    match response.status() {
        200 => match serde_json::from_slice(&response.body).unwrap() {
            Reply::Settings(view) => Ok(view),
            other => panic!("{other:?}"),
        },
        _ => Err(serde_json::from_slice(&response.body).unwrap()),
    }
}

const MINE: &str = "# My settings.\nmax_body_mb = 8 # enough\n\n# Names\nallowed_hosts = [\n  'box.internal', # the box\n]\n";

#[tokio::test]
async fn rows_say_what_runs_and_who_said_so() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(MINE).start().await;
    let view = view(&app).await;
    assert!(view.file.ends_with("settings.toml"), "{}", view.file);
    let body = row(&view, "max_body_mb");
    assert_eq!((body.value.as_str(), body.default.as_str()), ("8", "32"));
    assert_eq!((body.origin, &body.pending), (SettingOrigin::File, &None));
    assert!(body.about.contains("megabytes"), "{}", body.about);
    assert_eq!(row(&view, "allowed_hosts").value, "box.internal");
    assert_eq!(row(&view, "memory_mb").origin, SettingOrigin::Default);
    let port = row(&view, "proxy_port");
    assert_eq!(port.value, app.proxy.port().to_string());
    assert_eq!((port.origin, port.variable.as_deref()), (SettingOrigin::Environment, Some("PROXY_PORT")));
    let openai = row(&view, "providers.openai.base_url");
    assert_eq!(
        (openai.value.as_str(), openai.origin),
        (format!("http://{}", mock.address()).as_str(), SettingOrigin::Environment)
    );
    assert_eq!(openai.default, "https://api.openai.com");
    assert!(view.settings.iter().all(|setting| setting.pending.is_none()));
}

#[tokio::test]
async fn a_change_keeps_the_file_and_waits_for_the_next_start() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(MINE).start().await;
    let file = app.home().join("settings.toml");
    let text = || std::fs::read_to_string(&file).unwrap();
    let after = change(&app, "max_body_mb", Some("16")).await.unwrap();
    assert_eq!(text(), MINE.replace("= 8 #", "= 16 #"), "all else stays as its owner wrote it");
    assert_eq!(
        (row(&after, "max_body_mb").value.as_str(), row(&after, "max_body_mb").pending.as_deref()),
        ("8", Some("16"))
    );
    let after = change(&app, "allowed_hosts", Some("a.internal\nb.internal\n")).await.unwrap();
    assert_eq!(row(&after, "allowed_hosts").pending.as_deref(), Some("a.internal\nb.internal"));
    let after = change(&app, "max_body_mb", None).await.unwrap();
    assert!(text().contains("# max_body_mb = 32 # enough"), "{}", text());
    assert_eq!(row(&after, "max_body_mb").pending.as_deref(), Some("32"));
    let after = change(&app, "max_body_mb", Some("8")).await.unwrap();
    assert_eq!(row(&after, "max_body_mb").pending, None, "back to what runs");
    change(&app, "memory_mb", Some("99")).await.unwrap();

    // `start` would write the harness's own file again.
    let kept = text();
    let finished = app.stop();
    assert!(finished.status.success(), "{}", finished.stderr);
    let app = finished.setup.settings(&kept).start().await;
    let view = view(&app).await;
    assert_eq!(
        (row(&view, "memory_mb").value.as_str(), row(&view, "memory_mb").pending.as_deref()),
        ("99", None)
    );
    assert_eq!(row(&view, "allowed_hosts").value, "a.internal\nb.internal");
}

#[tokio::test]
async fn a_file_that_is_not_there_begins_as_the_example() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let file = app.home().join(".config/llmflow/config.toml");
    let before = view(&app).await;
    assert_eq!(before.file, file.display().to_string());
    assert!(!file.exists(), "asking makes nothing");
    let mut events = Client::open(app.dashboard, &request("GET", "/api/events", "", b"")).await;
    events.head().await.unwrap();
    let after = change(&app, "close_to_tray", Some("false")).await.unwrap();
    let mut told = String::new();
    while !told.contains("settings_changed") {
        told.push_str(&String::from_utf8_lossy(&events.piece().await.unwrap().unwrap()));
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("\nclose_to_tray = false\n") && text.contains("\n# memory_mb = 256\n"), "{text}");
    let tray = row(&after, "close_to_tray");
    assert_eq!(
        (tray.value.as_str(), tray.origin),
        ("false", SettingOrigin::File),
        "this one takes effect at once"
    );
    assert_eq!(tray.pending, None);
    assert_eq!(row(&after, "memory_mb").origin, SettingOrigin::Default, "comments set nothing");
}

#[tokio::test]
async fn the_grace_takes_effect_at_once() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    mock.answer(|received| Plan::default().answer(received).gated());
    let mut client = Client::open(app.proxy, &ask(tests::Dialect::Chat, true, "cut me", "")).await;
    client.head().await.unwrap();
    change(&app, "shutdown_grace_s", Some("0")).await.unwrap();
    app.ask(&Request::SetSource { name: "proxy".into(), to: SourceTarget::Stopped }).await;
    assert_eq!(client.rest().await.ended, tests::Ended::Broken);
    assert_eq!(app.recorded(1).await[0].state, api::CallState::Truncated);
}

#[tokio::test]
async fn what_cannot_be_set_is_refused_and_changes_nothing() {
    let mock = Mock::start().await;
    let app = Setup::new(mock.address()).settings(MINE).start().await;
    let file = app.home().join("settings.toml");
    for (name, value, words) in [
        ("max_body_mb", Some("many"), &["max_body_mb", "whole number"][..]),
        ("max_body_mb", Some("-1"), &["whole number"]),
        ("max_body_mb", Some("99999999999999999999"), &["whole number"]),
        ("max_body_mb", Some(""), &["whole number"]),
        ("close_to_tray", Some("maybe"), &["true or false"]),
        // The environment decides, and says so.
        ("proxy_port", Some("1234"), &["PROXY_PORT"]),
        ("dashboard_port", None, &["DASHBOARD_PORT"]),
        ("data_dir", Some("/tmp/x"), &["DATA_DIR"]),
        ("providers.openai.base_url", Some("http://a"), &["LLMFLOW_UPSTREAM_OPENAI"]),
    ] {
        let error = change(&app, name, value).await.unwrap_err();
        assert_eq!(error.parameter.as_deref(), Some(name), "{error:?}");
        for word in words {
            assert!(error.error.contains(word), "{word} in {error:?}");
        }
    }
    for name in [
        "",
        "proxi_port",
        "providers",
        "providers.openai",
        "providers.nobody.base_url",
        "providers.openai.base_url.x",
        "allowed_hosts\nproxy_port",
        "max_body_mb = 1\n#",
        "../config",
        "[x]",
    ] {
        let error = change(&app, name, Some("1")).await.unwrap_err();
        assert_eq!(error.kind, api::ErrorKind::NotFound, "{name:?}: {error:?}");
    }
    assert_eq!(std::fs::read_to_string(&file).unwrap(), MINE);

    // Text that looks like TOML stays text.
    let hostile = "x\"]\nproxy_port = 1 #'''";
    let refused = change(&app, "allowed_origins", Some(hostile)).await.unwrap_err();
    assert_eq!(refused.kind, api::ErrorKind::BadRequest, "{refused:?}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), MINE);
    let hostile = "x\"] proxy_port = 1 #'''";
    let after = change(&app, "providers.azure.api_version", Some(hostile)).await.unwrap();
    assert_eq!(row(&after, "providers.azure.api_version").pending.as_deref(), Some(hostile));

    std::fs::write(&file, "max_body_mb = = 1").unwrap();
    for error in [
        change(&app, "memory_mb", Some("1")).await.unwrap_err(),
        change(&app, "memory_mb", None).await.unwrap_err(),
    ] {
        assert!(error.error.contains("settings.toml") && error.error.contains("by hand"), "{error:?}");
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        "max_body_mb = = 1",
        "a broken file is its owner's to mend"
    );
    assert!(!app.log().contains("panicked"));
}

/// An address of a provider is judged as it would be at the next start.
#[tokio::test]
async fn an_address_that_could_not_start_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let mut child = tests::command(home.path())
        .args(["serve", "--proxy-port", "0", "--dashboard-port", &port.to_string()])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let dashboard = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let set = async |name: &str, value: &str| {
        let body =
            serde_json::to_vec(&Request::ChangeSetting { name: name.into(), value: Some(value.into()) })
                .unwrap();
        let json = "Content-Type: application/json\r\n";
        wait_until("an answer", async || {
            tokio::net::TcpStream::connect(dashboard).await.ok()?;
            Some(send(dashboard, &request("POST", "/api/rpc", json, &body)).await)
        })
        .await
    };
    for (value, word) in [
        ("not a url", "not a URL"),
        ("ftp://x", "http://"),
        ("http://user:pass@x", "password"),
        (&format!("http://localhost:{port}"), "circles"),
    ] {
        let answer = set("providers.groq.base_url", value).await;
        assert!(answer.status() == 400 && answer.text().contains(word), "{value}: {}", answer.text());
        assert!(!answer.text().contains("pass@"), "{}", answer.text());
    }
    let flag = set("proxy_port", "8080").await;
    assert!(flag.status() == 400 && flag.text().contains("--proxy-port"), "{}", flag.text());
    let set = set("providers.groq.base_url", "http://localhost:9/groq").await;
    assert_eq!(set.status(), 200, "{}", set.text());
    child.kill().unwrap();
    child.wait().unwrap();
}
