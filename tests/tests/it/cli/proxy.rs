//! `llmflow proxy`: switching from a terminal, and what `llmflow status` says then.

use tests::{App, Dialect, Mock, send};

use super::{borrowed, err, out, run, towards};
use crate::requests::ask;

#[tokio::test]
async fn a_terminal_pauses_resumes_and_switches_off_and_on() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    let environment = towards(&app);
    let say = async |arguments: &[&str]| {
        let output = run(&app.home(), arguments, &borrowed(&environment)).await;
        (output.status.code(), out(&output), err(&output))
    };
    let (code, said, _) = say(&["proxy", "pause"]).await;
    assert!(code == Some(0) && said.contains("records nothing"), "{said}");
    let (_, status, _) = say(&["status"]).await;
    assert!(status.contains("recording is paused"), "{status}");
    send(app.proxy, &ask(Dialect::Chat, false, "unseen", "")).await;
    let (_, status, _) = say(&["status"]).await;
    assert!(status.contains("1 forwarded while paused"), "{status}");
    assert_eq!(say(&["proxy", "resume"]).await.0, Some(0));

    // Nobody used it: nothing to ask.
    let (code, said, _) = say(&["proxy", "off"]).await;
    assert!(code == Some(0) && said.contains("is off"), "{said}");
    let (_, status, _) = say(&["status"]).await;
    assert!(status.lines().any(|line| line.starts_with("Proxy") && line.ends_with("off")), "{status}");
    for word in ["pause", "resume"] {
        let (code, _, wrong) = say(&["proxy", word]).await;
        assert!(
            code == Some(1) && wrong.contains("llmflow proxy on"),
            "{word} does not switch it on: {wrong}"
        );
        assert!(
            tests::try_send(app.proxy, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.is_err()
        );
    }
    let (code, said, _) = say(&["proxy", "on"]).await;
    assert!(code == Some(0) && said.contains(&app.proxy.to_string()), "{said}");

    send(app.proxy, &ask(Dialect::Chat, false, "seen", "User-Agent: claude-cli/2.0.0 (external, cli)\r\n"))
        .await;
    app.recorded(1).await;
    let (code, said, wrong) = say(&["proxy", "off"]).await;
    assert_eq!(code, Some(1), "without a terminal nobody can answer");
    assert!(said.contains("claude-code: 1 call") && wrong.contains("--yes"), "{said}{wrong}");
    send(app.proxy, &ask(Dialect::Chat, false, "still on", "")).await;
    app.recorded(2).await;
    let (code, said, _) = say(&["proxy", "off", "--yes"]).await;
    assert!(code == Some(0) && said.contains("claude-code: 1 call") && said.contains("is off"), "{said}");

    let other = std::net::TcpListener::bind(app.proxy).unwrap();
    let (code, _, wrong) = say(&["proxy", "on"]).await;
    assert!(code == Some(1) && wrong.contains("PROXY_PORT"), "{wrong}");
    drop(other);
    assert_eq!(say(&["proxy", "on"]).await.0, Some(0));
}

#[tokio::test]
async fn without_an_instance_there_is_nothing_to_switch() {
    let home = tempfile::tempdir().unwrap();
    let output = run(home.path(), &["proxy", "pause"], &[]).await;
    assert_eq!(output.status.code(), Some(3));
    assert!(out(&output).contains("llmflow serve"), "{}", out(&output));
    assert!(!run(home.path(), &["proxy", "dance"], &[]).await.status.success());
    assert!(!run(home.path(), &["proxy"], &[]).await.status.success());
}
