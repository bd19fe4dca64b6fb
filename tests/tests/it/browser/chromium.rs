//! Chromium without a window, driven through chromedriver, with a profile of its own and nothing left behind.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tests::{send, within};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::requests::request;

/// A browser with one page.
pub(super) struct Browser {
    pub(super) page: Client,
    driver: SocketAddr,
    _process: Group,
    _profile: tempfile::TempDir,
}

/// A driver and the browser it started, ended together also when a test fails before it closes its page.
pub(crate) struct Group(pub(crate) Child);

impl Drop for Group {
    fn drop(&mut self) {
        let leader = self.0.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?));
        if let Some(leader) = leader {
            // An error says that all of them have ended already.
            let _all_ended = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

/// The path of a program: named by `variable`, else found where programs are.
pub(crate) fn program(variable: &str, name: &str) -> PathBuf {
    let named = std::env::var_os(variable).map(PathBuf::from);
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = || std::env::split_paths(&places).map(|place| place.join(name)).find(|path| path.is_file());
    named.or_else(found).unwrap_or_else(|| panic!("{name} is not installed: run `cargo xtask setup`"))
}

impl Browser {
    pub(super) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more arguments.
    pub(super) async fn start_with(more: &[&str]) -> Self {
        let chromium = program("CHROMIUM", "chromium");
        let profile = tempfile::tempdir().unwrap();
        let mut command = Command::new(program("CHROMEDRIVER", "chromedriver"));
        command.arg("--port=0").env("HOME", profile.path()).process_group(0);
        let mut process =
            Group(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
        let port = within("chromedriver's start", port(&mut process.0)).await;
        let driver = SocketAddr::from(([127, 0, 0, 1], port));
        let mut arguments = vec![format!("--user-data-dir={}", profile.path().join("profile").display())];
        arguments.extend(
            [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
                "--disable-dev-shm-usage",
                "--window-size=1400,900",
            ]
            .map(str::to_owned),
        );
        arguments.extend(more.iter().map(|&argument| argument.to_owned()));
        let capabilities = json!({
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else { unreachable!("it is an object") };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://{driver}");
        let page = within("the browser's start", builder.connect(&address)).await.unwrap();
        Self { page, driver, _process: process, _profile: profile }
    }

    /// Closes the browser; fails when its console has an error, such as one of the content security policy.
    pub(super) async fn finish(self) {
        self.finish_after_refusals(0).await;
    }

    /// The same for a page that may have asked for a call before it was recorded, which a browser counts as an error.
    pub(super) async fn finish_after_early_questions(self) {
        self.finish_after(0, true).await;
    }

    /// The same for a page that the server refused `refusals` questions of: a browser counts each as an error.
    pub(super) async fn finish_after_refusals(self, refusals: usize) {
        self.finish_after(refusals, false).await;
    }

    async fn finish_after(self, refusals: usize, early: bool) {
        let session = self.page.session_id().await.unwrap().unwrap();
        let asked = request(
            "POST",
            &format!("/session/{session}/se/log"),
            "Content-Type: application/json\r\n",
            br#"{"type":"browser"}"#,
        );
        let entries = send(self.driver, &asked).await.json();
        let entries = entries["value"].as_array().unwrap_or_else(|| panic!("no console: {entries}")).clone();
        self.page.close().await.unwrap();
        let is_refusal = |entry: &&Value| entry["message"].to_string().contains("status of 400");
        let is_early = |entry: &&Value| early && entry["message"].to_string().contains("status of 404");
        let errors = entries.iter().filter(|entry| entry["level"] == "SEVERE" && !is_early(entry));
        let (refused, errors): (Vec<&Value>, Vec<&Value>) = errors.partition(is_refusal);
        assert_eq!(refused.len(), refusals, "questions that were refused: {refused:#?}");
        assert!(errors.is_empty(), "errors on the console: {errors:#?}");
    }
}

/// The port chromedriver chose, from what it prints.
async fn port(process: &mut Child) -> u16 {
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    while let Some(line) = lines.next_line().await.unwrap() {
        let number = line.split("successfully on port ").nth(1).map(|rest| rest.trim_end_matches('.'));
        if let Some(port) = number.and_then(|number| number.parse().ok()) {
            return port;
        }
    }
    panic!("chromedriver ended without a port");
}
