//! The page in the app's window, driven through WebKit's own driver, which starts the app.

use std::path::Path;
use std::process::Stdio;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tests::{App, Screen, Setup, free_port, wait_until, within};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::browser::chromium::{Group, program};

/// The app, and its page.
pub(super) struct Driven {
    pub(super) app: App,
    pub(super) page: Client,
    _driver: Group,
}

/// Starts the app on this screen, under the driver.
pub(super) async fn drive(binary: &Path, screen: &Screen, setup: Setup) -> Driven {
    let ports = (free_port(), free_port());
    drive_on(binary, screen, setup, ports, &[]).await
}

/// The same, on these ports and with these arguments.
pub(super) async fn drive_on(
    binary: &Path,
    screen: &Screen,
    setup: Setup,
    (proxy, dashboard): (u16, u16),
    arguments: &[&str],
) -> Driven {
    let port = free_port();
    let mut command = Command::new(program("WEBKIT_DRIVER", "WebKitWebDriver"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.envs(setup.variables(proxy, dashboard)).envs(screen.environment());
    command.env("TAURI_WEBVIEW_AUTOMATION", "true").arg(format!("--port={port}")).process_group(0);
    let log = std::fs::File::create(screen.session.home().join("driver.log")).unwrap();
    command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
    let driver = Group(command.spawn().unwrap());
    wait_until("WebKitWebDriver to listen", async || TcpStream::connect(("127.0.0.1", port)).await.ok())
        .await;
    let capabilities = json!({"webkitgtk:browserOptions": {"binary": binary, "args": arguments}});
    let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities);
    let address = format!("http://127.0.0.1:{port}");
    let page = within("the app's start", builder.connect(&address)).await.unwrap();
    Driven { app: setup.elsewhere(proxy, dashboard), page, _driver: driver }
}

/// The text of the first such element, once it is there and says `wanted`. All of its text: WebKit's driver leaves out
/// what is cut with an ellipsis.
pub(super) async fn reads(page: &Client, id: &str, wanted: &str) -> String {
    let script = format!("return document.querySelector('[data-testid=\"{id}\"]')?.textContent ?? null");
    wait_until(&format!("{id} to say {wanted:?}"), async || {
        let text = page.execute(&script, Vec::new()).await.ok()?;
        text.as_str().filter(|text| text.contains(wanted)).map(str::to_owned)
    })
    .await
}
