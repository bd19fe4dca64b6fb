//! What is behind the window: the engine in this process, an LLMFlow in another one, or nothing yet.

use std::sync::Arc;

use api::{ApiError, ErrorKind, Reply, Request};
use engine::{Settings, StartError, running_instance};
use server::{Remote, Running, SettingsFlags};
use tauri::async_runtime::{block_on, spawn_blocking};

/// What the notice page says, and the one thing that it offers.
#[derive(Clone, Debug)]
pub(crate) struct Notice {
    pub(crate) title: &'static str,
    pub(crate) text: String,
    pub(crate) action: Option<&'static str>,
}

/// The one behind the window.
#[derive(Clone)]
pub(crate) enum Link {
    /// The engine of this process.
    Own(Arc<Running>),
    /// Somebody else's: it goes on when this app ends.
    Other(Remote),
    /// None, and why.
    Nothing(Notice),
}

impl Link {
    /// Attaches to an LLMFlow that runs already, else starts the engine here.
    pub(crate) async fn begin(flags: SettingsFlags) -> Self {
        let settings = match flags.load() {
            Ok(settings) => settings,
            Err(error) => return Self::failed(&error),
        };
        if let Some(other) = Self::find(&settings).await {
            return Self::Other(other);
        }
        // On a thread of its own: opening the database is a future that may not change threads.
        match spawn_blocking(move || block_on(Running::start(settings))).await {
            Ok(Ok(running)) => Self::Own(Arc::new(running)),
            Ok(Err(StartError::Running { folder, instance })) => {
                Self::held(&folder, instance.map(|it| it.pid))
            }
            Ok(Err(error)) => Self::failed(&error),
            Err(error) => Self::failed(&error),
        }
    }

    /// The LLMFlow that holds our data folder or answers on our dashboard's port.
    pub(crate) async fn find(settings: &Settings) -> Option<Remote> {
        let holder = running_instance(&settings.data_dir).map_or(0, |instance| instance.dashboard_port);
        for port in [holder, settings.dashboard_port] {
            if port != 0
                && let Some(other) = Remote::find(port).await
            {
                return Some(other);
            }
        }
        None
    }

    /// Asks whoever is there.
    pub(crate) async fn ask(&self, request: Request) -> Result<Reply, ApiError> {
        match self {
            Self::Own(running) => running.engine.dispatch(request).await,
            Self::Other(remote) => remote.ask(&request).await,
            Self::Nothing(notice) => Err(ApiError::new(ErrorKind::Unavailable, notice.text.clone())),
        }
    }

    /// Where a browser finds the dashboard.
    pub(crate) fn address(&self) -> Option<String> {
        match self {
            Self::Own(running) => {
                (running.dashboard_port != 0).then(|| format!("http://localhost:{}", running.dashboard_port))
            }
            Self::Other(remote) => Some(remote.address()),
            Self::Nothing(_) => None,
        }
    }

    fn failed(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "LLMFlow could not start");
        Self::Nothing(Notice {
            title: "LLMFlow could not start",
            text: format!("{}.", capital(&error.to_string())),
            action: Some("Try again"),
        })
    }

    fn held(folder: &str, process: Option<u32>) -> Self {
        let process = process.map(|process| format!(", process {process},")).unwrap_or_default();
        Self::Nothing(Notice {
            title: "Waiting for another LLMFlow",
            text: format!(
                "Another LLMFlow{process} uses {folder}, but its dashboard does not answer. This window shows it as \
                 soon as it does. If it runs without a dashboard, stop it and try again."
            ),
            action: Some("Try again"),
        })
    }

    /// The other one is gone.
    pub(crate) fn ended() -> Self {
        Self::Nothing(Notice {
            title: "LLMFlow has ended",
            text: "The LLMFlow that this window showed runs no more. Tools that point at its proxy fail until one \
                   runs again."
                .to_owned(),
            action: Some("Start it here"),
        })
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
