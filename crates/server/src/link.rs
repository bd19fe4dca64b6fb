//! What a window shows: the engine in this process, an LLMFlow in another one, or nothing yet and why.
//! Leaves out the window (`src-tauri`).

use std::sync::Arc;
use std::time::Duration;

use api::{ApiError, CallFilter, ErrorKind, Reply, Request};
use chrono::{DateTime, Days, Local, NaiveTime};
use engine::glance::Glance;
use engine::{Settings, StartError};
use tokio::runtime::Handle;

use crate::{Remote, Running, SettingsFlags};

const AN_HOUR: Duration = Duration::from_secs(3_600);

/// What stands in the window instead of the dashboard, and the one thing that helps.
#[derive(Clone, Debug)]
pub struct Notice {
    /// In a few words.
    pub title: &'static str,
    /// What is so, and what to do.
    pub text: String,
    /// The words of its button.
    pub action: &'static str,
}

/// The one behind the window.
#[derive(Clone)]
pub enum Link {
    /// The engine of this process.
    Own(Arc<Running>),
    /// Somebody else's: it goes on when this app ends.
    Other(Remote),
    /// None, and why.
    Nothing(Notice),
}

impl Link {
    /// Attaches to an LLMFlow that runs already, else starts the engine here.
    pub async fn begin(flags: SettingsFlags) -> Self {
        let settings = match flags.load() {
            Ok(settings) => settings,
            Err(error) => return Self::failed(&error),
        };
        if let Some(other) = Self::find(&settings).await {
            return Self::Other(other);
        }
        // On a thread of its own: opening the database is a future that may not change threads.
        let runtime = Handle::current();
        let starting = tokio::task::spawn_blocking(move || runtime.block_on(Running::start(settings)));
        match starting.await {
            Ok(Ok(running)) => {
                // There is no terminal to say it on; the window does too.
                for problem in running.engine.health_now().await.iter().flat_map(|health| &health.problems) {
                    tracing::error!("{problem}");
                }
                Self::Own(Arc::new(running))
            }
            Ok(Err(StartError::Running { folder, instance })) => {
                Self::held(&folder, instance.map(|it| it.pid))
            }
            Ok(Err(error)) => Self::failed(&error),
            Err(error) => Self::failed(&error),
        }
    }

    /// The LLMFlow that holds our data folder, or proves on our dashboard's port that it has it.
    pub async fn find(settings: &Settings) -> Option<Remote> {
        Remote::find(&settings.data_dir, settings.dashboard_port).await
    }

    /// Asks whoever is there.
    pub async fn ask(&self, request: Request) -> Result<Reply, ApiError> {
        match self {
            Self::Own(running) => running.engine.dispatch(request).await,
            Self::Other(remote) => remote.ask(&request).await,
            Self::Nothing(notice) => Err(ApiError::new(ErrorKind::Unavailable, notice.text.clone())),
        }
    }

    /// Where a browser finds the dashboard.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Own(running) => {
                (running.dashboard_port != 0).then(|| format!("http://localhost:{}", running.dashboard_port))
            }
            Self::Other(remote) => Some(remote.address()),
            Self::Nothing(_) => None,
        }
    }

    /// What lets a browser into the dashboard: its address, with a code that works once where a token is asked for.
    pub async fn entrance(&self) -> Option<String> {
        let address = self.address()?;
        match self.ask(Request::GetLoginPath).await {
            Ok(Reply::LoginPath(path)) => Some(format!("{address}{}", path.reveal())),
            // One of another version, or one that stops: its page says what is wrong.
            Ok(_) | Err(_) => Some(address),
        }
    }

    /// What a tray says now.
    pub async fn glance(&self) -> Glance {
        self.facts().await.unwrap_or_else(Glance::nothing)
    }

    async fn facts(&self) -> Option<Glance> {
        let from_ms = Some(midnight(&Local::now()).timestamp_millis());
        let filter = CallFilter { from_ms, ..CallFilter::default() };
        let Reply::Stats(today) = self.ask(Request::GetStats { filter }).await.ok()? else { return None };
        let Reply::Health(health) = self.ask(Request::GetHealth).await.ok()? else { return None };
        let users = match self.ask(Request::GetStranded { name: "proxy".to_owned() }).await {
            Ok(Reply::Stranded(users)) => users,
            _ => Vec::new(),
        };
        Some(Glance::of(&today, &health, &users))
    }

    fn failed(error: &dyn std::error::Error) -> Self {
        tracing::error!(%error, "LLMFlow could not start");
        Self::Nothing(Notice {
            title: "LLMFlow could not start",
            text: format!("{}.", capital(&error.to_string())),
            action: "Try again",
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
            action: "Try again",
        })
    }

    /// The other one is gone.
    pub fn ended() -> Self {
        Self::Nothing(Notice {
            title: "LLMFlow has ended",
            text: "The LLMFlow that this window showed runs no more. Tools that point at its proxy fail until one \
                   runs again."
                .to_owned(),
            action: "Start it here",
        })
    }
}

/// When the day of `now` began here. Where clocks skip midnight, it begins with the first moment there is.
fn midnight(now: &DateTime<Local>) -> DateTime<Local> {
    now.with_time(NaiveTime::MIN).earliest().unwrap_or(*now)
}

/// How long the day still lasts here.
pub fn until_midnight() -> Duration {
    let now = Local::now();
    let next = midnight(&now).checked_add_days(Days::new(1));
    next.and_then(|next| (next - now).to_std().ok()).unwrap_or(AN_HOUR)
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}
