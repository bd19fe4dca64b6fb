//! `llmflow serve` as a process of its own: own home, own data folder, own ports, ended by its process id.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::sync::Mutex;

use api::{ApiError, CallDetail, CallFilter, CallId, CallSummary, Health, Page, Providers, Reply, Request};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::binary::{command, command_of};
use crate::client::{Response, send};
use crate::contract;
use crate::wait::wait_until;

/// Every provider that has an address of its own.
const PROVIDERS: &[&str] = &[
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
    "OLLAMA",
    "AZURE",
    "BEDROCK",
    "DEEPSEEK",
    "XAI",
    "FIREWORKS",
    "CEREBRAS",
    "LMSTUDIO",
    "VLLM",
    "CHATGPT",
];
/// The AWS credentials that calls to Bedrock are signed with.
pub const AWS: [(&str, &str); 3] = [
    ("AWS_ACCESS_KEY_ID", "AKIATESTTESTTEST0001"),
    ("AWS_SECRET_ACCESS_KEY", "aws-test-secret-0123456789abcdefghijkl"),
    ("AWS_REGION", "eu-central-1"),
];
const STARTS: usize = 5;
/// The ports that [`free_port`] gave in this process.
static HANDED_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// How to start.
#[derive(Debug)]
pub struct Setup {
    home: TempDir,
    environment: Vec<(String, String)>,
    settings: String,
    upstream: String,
    /// The ports for OTLP over HTTP and over gRPC.
    otlp: (u16, u16),
    log: &'static str,
    /// Another program than `llmflow serve`.
    program: Option<PathBuf>,
    arguments: Vec<String>,
}

impl Setup {
    /// Every provider's address is `upstream`.
    pub fn new(upstream: SocketAddr) -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
            settings: String::new(),
            upstream: format!("http://{upstream}"),
            otlp: (free_port(), free_port()),
            log: "info",
            program: None,
            arguments: Vec::new(),
        }
    }

    /// The desktop app instead of `llmflow serve`.
    #[must_use]
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// One more argument.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// One more variable.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The text of a settings file.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.settings);
        self
    }

    /// What `RUST_LOG` says.
    #[must_use]
    pub fn log(mut self, filter: &'static str) -> Self {
        self.log = filter;
        self
    }

    /// The home folder, before the start too.
    pub fn home(&self) -> PathBuf {
        self.home.path().to_owned()
    }

    /// The data folder, before the start too.
    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Starts and waits until both listeners answer. Another process may take a port first: then once more.
    pub async fn start(self) -> App {
        let mut setup = self;
        for _ in 0..STARTS {
            let ports = (free_port(), free_port());
            match setup.attempt(ports).await {
                Ok(app) => return app,
                Err(again) => setup = Self { otlp: (free_port(), free_port()), ..again },
            }
        }
        panic!("no free ports after {STARTS} attempts");
    }

    /// Starts on these ports and waits until the dashboard answers, whatever the proxy does.
    pub async fn start_on(self, proxy: u16, dashboard: u16) -> App {
        let app = self.spawn(proxy, dashboard);
        app.answers(dashboard, "/api/health").await;
        app
    }

    async fn attempt(self, (proxy, dashboard): (u16, u16)) -> Result<App, Self> {
        let app = self.spawn(proxy, dashboard);
        let up = app.answers(dashboard, "/api/health").await && app.answers(proxy, "/health").await;
        if up { Ok(app) } else { Err(app.into_setup()) }
    }

    fn spawn(self, proxy: u16, dashboard: u16) -> App {
        let (out, err) = (self.home.path().join("stdout"), self.home.path().join("stderr"));
        let append = |path: &Path| File::options().create(true).append(true).open(path).unwrap();
        let mut command = match &self.program {
            Some(program) => command_of(program, self.home.path()),
            None => command(self.home.path()),
        };
        command.args(self.program.is_none().then_some("serve")).args(&self.arguments);
        command.envs(self.variables(proxy, dashboard));
        let child = command
            .stdin(std::process::Stdio::null())
            .stdout(append(&out))
            .stderr(append(&err))
            .spawn()
            .unwrap();
        self.app(proxy, dashboard, Some(child))
    }

    /// What tells a process to be this one on these ports.
    pub fn variables(&self, proxy: u16, dashboard: u16) -> Vec<(String, String)> {
        let mut variables = vec![
            ("DATA_DIR".to_owned(), self.data().display().to_string()),
            ("RUST_LOG".to_owned(), self.log.to_owned()),
            ("PROXY_PORT".to_owned(), proxy.to_string()),
            ("DASHBOARD_PORT".to_owned(), dashboard.to_string()),
            ("OTLP_HTTP_PORT".to_owned(), self.otlp.0.to_string()),
            ("OTLP_GRPC_PORT".to_owned(), self.otlp.1.to_string()),
        ];
        // Whoever runs the tests may have some of their own.
        for (name, value) in AWS {
            variables.push((name.to_owned(), value.to_owned()));
        }
        for provider in PROVIDERS {
            variables.push((format!("LLMFLOW_UPSTREAM_{provider}"), self.upstream.clone()));
        }
        if !self.settings.is_empty() {
            let file = self.home.path().join("settings.toml");
            std::fs::write(&file, &self.settings).unwrap();
            variables.push(("LLMFLOW_CONFIG".to_owned(), file.display().to_string()));
        }
        variables.extend(self.environment.iter().cloned());
        variables
    }

    /// One that somebody else starts and ends.
    pub fn elsewhere(self, proxy: u16, dashboard: u16) -> App {
        self.app(proxy, dashboard, None)
    }

    fn app(self, proxy: u16, dashboard: u16, child: Option<Child>) -> App {
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        contract::watch(address(dashboard));
        App {
            child: Mutex::new(child),
            proxy: address(proxy),
            dashboard: address(dashboard),
            otlp_http: address(self.otlp.0),
            otlp_grpc: address(self.otlp.1),
            setup: Some(self),
        }
    }
}

/// A port that is free on both families now.
pub fn free_port() -> u16 {
    loop {
        let four = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = four.local_addr().unwrap().port();
        // Where there is no IPv6 at all, binding fails for another reason than the port.
        match TcpListener::bind((Ipv6Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {}
            // The system may offer a port again as soon as it is free: two listeners of one app must not get the same.
            Ok(_) | Err(_) => {
                if HANDED_OUT.lock().unwrap().insert(port) {
                    return port;
                }
            }
        }
    }
}

/// What a process that ended leaves.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// Its log.
    pub stderr: String,
    /// Its home and data folder, to look into or to start again.
    pub setup: Setup,
}

/// The running process. Dropping it ends it.
#[derive(Debug)]
pub struct App {
    setup: Option<Setup>,
    child: Mutex<Option<Child>>,
    /// Where the proxy listens.
    pub proxy: SocketAddr,
    /// Where the dashboard listens.
    pub dashboard: SocketAddr,
    /// Where OTLP over HTTP is taken.
    pub otlp_http: SocketAddr,
    /// Where OTLP over gRPC is taken.
    pub otlp_grpc: SocketAddr,
}

impl Drop for App {
    fn drop(&mut self) {
        contract::forget(self.dashboard);
        if let Some(mut child) = self.child.get_mut().unwrap().take() {
            let _gone_already = kill_process(pid(&child), Signal::TERM);
            let patience = std::time::Instant::now() + std::time::Duration::from_secs(10);
            while matches!(child.try_wait(), Ok(None)) {
                if std::time::Instant::now() > patience {
                    let _gone_already = child.kill();
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_child(child)
}

impl App {
    /// Starts with every provider at `upstream`.
    pub async fn start(upstream: SocketAddr) -> Self {
        Setup::new(upstream).start().await
    }

    fn setup(&self) -> &Setup {
        self.setup.as_ref().expect("only taken at the end")
    }

    fn with_child<T>(&self, act: impl FnOnce(&mut Child) -> T) -> T {
        act(self.child.lock().unwrap().as_mut().expect("it runs until it is ended"))
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.setup().data()
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        self.setup().home.path().to_owned()
    }

    /// The process.
    pub fn process_id(&self) -> u32 {
        self.with_child(|child| child.id())
    }

    fn output(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.home().join(name)).unwrap()).into_owned()
    }

    /// Its log until now.
    pub fn log(&self) -> String {
        self.output("stderr")
    }

    /// Waits until a listener answers; `false` when its port cannot be had.
    async fn answers(&self, port: u16, path: &str) -> bool {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        wait_until("the app to answer", async || {
            let log = self.log();
            if log.contains("is taken") || log.contains("another LLMFlow") {
                return Some(false);
            }
            let ended = self.with_child(Child::try_wait).unwrap();
            assert!(ended.is_none(), "llmflow ended at its start, {ended:?}: {}", self.log());
            tokio::net::TcpStream::connect(address).await.ok()?;
            (get(address, path).await.status() == 200).then_some(true)
        })
        .await
    }

    fn into_setup(mut self) -> Setup {
        self.end(Signal::KILL);
        std::fs::remove_file(self.home().join("stderr")).unwrap();
        self.setup.take().expect("only taken at the end")
    }

    fn end(&mut self, signal: Signal) -> ExitStatus {
        let mut child = self.child.get_mut().unwrap().take().expect("ended once");
        let _gone_already = kill_process(pid(&child), signal);
        child.wait().unwrap()
    }

    /// Waits until it ends by itself.
    pub async fn ends(mut self) -> Finished {
        let status =
            wait_until("the process to end", async || self.with_child(Child::try_wait).unwrap()).await;
        self.child.get_mut().unwrap().take();
        self.finished(status)
    }

    /// Sends SIGTERM without waiting.
    pub fn terminate(&self) {
        self.with_child(|child| kill_process(pid(child), Signal::TERM)).unwrap();
    }

    /// Sends SIGKILL without waiting.
    pub fn kill_now(&self) {
        self.with_child(|child| kill_process(pid(child), Signal::KILL)).unwrap();
    }

    /// Ends it with SIGTERM and waits.
    pub fn stop(self) -> Finished {
        self.finish(Signal::TERM)
    }

    /// Ends it with SIGKILL.
    pub fn kill(self) -> Finished {
        self.finish(Signal::KILL)
    }

    fn finish(mut self, signal: Signal) -> Finished {
        let status = self.end(signal);
        self.finished(status)
    }

    fn finished(mut self, status: ExitStatus) -> Finished {
        let (stdout, stderr) = (self.output("stdout"), self.output("stderr"));
        Finished { status, stdout, stderr, setup: self.setup.take().expect("only taken at the end") }
    }

    /// `GET` from the dashboard.
    pub async fn get(&self, path: &str) -> Response {
        get(self.dashboard, path).await
    }

    /// Asks the engine; fails on an error.
    pub async fn ask(&self, request: &Request) -> Reply {
        match self.try_ask(request).await {
            Ok(reply) => reply,
            Err(error) => panic!("{request:?}: {error:?}"),
        }
    }

    /// Asks the engine.
    pub async fn try_ask(&self, request: &Request) -> Result<Reply, ApiError> {
        let body = serde_json::to_vec(request).unwrap();
        let response = send(self.dashboard, &post("/api/rpc", "application/json", &body)).await;
        match response.status() {
            200 => Ok(serde_json::from_slice(&response.body).unwrap()),
            _ => Err(serde_json::from_slice(&response.body)
                .unwrap_or_else(|_| panic!("{request:?}: {}", response.text()))),
        }
    }

    /// The providers, their keys and the local keys.
    pub async fn providers(&self) -> Providers {
        match self.ask(&Request::GetProviders).await {
            Reply::Providers(providers) => *providers,
            other => panic!("{other:?}"),
        }
    }

    /// A new local key, for `name`.
    pub async fn local_key(&self, name: &str) -> String {
        match self.ask(&Request::AddLocalKey { name: name.into() }).await {
            Reply::LocalKey(made) => made.key.reveal().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// How everything is.
    pub async fn health(&self) -> Health {
        match self.ask(&Request::GetHealth).await {
            Reply::Health(health) => *health,
            other => panic!("{other:?}"),
        }
    }

    /// The newest calls, side calls too, newest first, at most 1,000.
    pub async fn calls(&self) -> Vec<CallSummary> {
        let page = Page { limit: 1_000, ..Page::default() };
        let filter = CallFilter { side_calls: true, ..CallFilter::default() };
        match self.ask(&Request::ListCalls { filter, page }).await {
            Reply::Calls(found) => found.calls,
            other => panic!("{other:?}"),
        }
    }

    /// The calls once there are `count` of them and none is under way; fails when there are more.
    pub async fn recorded(&self, count: usize) -> Vec<CallSummary> {
        let calls = wait_until(&format!("{count} recorded calls"), async || {
            let calls = self.calls().await;
            let over = calls.iter().all(|call| call.state != api::CallState::Open);
            (calls.len() >= count && over).then_some(calls)
        })
        .await;
        assert_eq!(calls.len(), count, "each call is recorded once");
        calls
    }

    /// Everything about one call.
    pub async fn call(&self, id: CallId) -> CallDetail {
        match self.ask(&Request::GetCall { id }).await {
            Reply::Call(call) => *call,
            other => panic!("{other:?}"),
        }
    }

    /// What was said in one call.
    pub async fn conversation(&self, id: CallId) -> api::Conversation {
        match self.ask(&Request::GetConversation { id }).await {
            Reply::Conversation(conversation) => *conversation,
            other => panic!("{other:?}"),
        }
    }

    /// One body, whole, in parts as a UI fetches it; bytes that are not UTF-8 are replaced.
    pub async fn body(&self, id: CallId, side: api::BodySide) -> String {
        let (mut text, mut offset) = (String::new(), 0);
        loop {
            let part = Request::GetBody { id, side, offset, limit: 1 << 20 };
            let Reply::Body(part) = self.ask(&part).await else { panic!("not a body") };
            assert_eq!(part.offset, offset, "parts join");
            text.push_str(&part.text);
            if part.next >= part.total {
                return text;
            }
            assert!(part.next > offset, "a part moves on");
            offset = part.next;
        }
    }
}

async fn get(address: SocketAddr, path: &str) -> Response {
    send(address, format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).await
}

/// A request with a body, as most clients write it.
pub(crate) fn post(path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
