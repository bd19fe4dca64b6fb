//! schemathesis: requests made up from the OpenAPI document that is served, good and bad, and each answer held against it by
//! somebody else's reading of OpenAPI. What it asks and leaves out stands in `tests/clients/schemathesis.toml`.

use std::process::Stdio;

use tests::{App, Mock, within};
use tokio::process::Command;

use super::{installed, script, table};

#[tokio::test]
#[ignore = "needs schemathesis: cargo xtask test --clients DIR"]
async fn the_document_is_what_is_answered() {
    let mock = Mock::start().await;
    let app = App::start(mock.address()).await;
    crate::contract::fill(&mock, &app).await;
    mock.take();
    let home = tempfile::tempdir().unwrap();
    // A made-up id never gets any further than that there is no such call.
    let id = app.calls().await[0].id;
    let mut settings = std::fs::read_to_string(script("schemathesis.toml")).unwrap();
    for path in ["/api/traces/{id}/replay", "/api/traces/{id}/tree"] {
        settings.push_str(&format!(
            "\n[[operations]]\ninclude-path = '{path}'\nparameters = {{ 'path.id' = '{id}' }}\n"
        ));
    }
    let file = home.path().join("schemathesis.toml");
    std::fs::write(&file, settings).unwrap();
    let mut command = Command::new(installed("py-schemathesis/bin/schemathesis"));
    command.arg("--config-file").arg(file).arg("run");
    command.arg(format!("http://{}/api/openapi.json", app.dashboard));
    command.env_clear().env("HOME", home.path()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.current_dir(home.path()).stdin(Stdio::null()).kill_on_drop(true);
    let output = within("schemathesis", command.output()).await.unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{told}{}", String::from_utf8_lossy(&output.stderr));
    let outcome = if output.status.success() { "no violation" } else { "VIOLATIONS" };
    table(&format!("| schemathesis | {outcome} | | | | |\n"));
    assert!(output.status.success(), "schemathesis found what is not as documented: see above");
    assert_eq!(app.get("/api/health").await.status(), 200, "and it goes on");
    assert!(!app.log().contains("panicked"), "{}", app.log());
    // Whether a provider is there is asked by what costs nothing.
    let costs = |method: &str| !matches!(method, "GET" | "HEAD");
    let mut asked = mock.exchanges().into_iter().map(|exchange| exchange.received);
    let spent = asked.find(|received| costs(received.method()));
    assert!(spent.is_none(), "nothing that costs was sent to a provider: {spent:?}");
}
