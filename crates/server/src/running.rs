//! The engine with its dashboard, as every binary runs the two: started together, stopped in order.
//! Leaves out saying so to anybody (`cli`, the desktop app).

use std::time::Duration;

use engine::settings::Reach;
use engine::{Engine, Settings, StartError, Threads, listen};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::Assets;

/// While one writes a long answer, another one is there for who asks for something short.
const THREADS: usize = 2;
/// How long dashboard connections may take to end.
const LAST_PAGES: Duration = Duration::from_secs(3);

/// An LLMFlow in this process.
pub struct Running {
    /// The engine.
    pub engine: Engine,
    /// Where the dashboard listens; 0 when it does not.
    pub dashboard_port: u16,
    stop: CancellationToken,
    pages: TaskTracker,
    /// Where the dashboard runs.
    threads: Threads,
}

impl Running {
    /// Starts both. A port that is taken is a stated fact, not an error: the rest runs.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let (port, beyond) = (settings.dashboard_port, settings.beyond(Reach::Dashboard));
        let threads = Threads::start("dashboard", THREADS).map_err(StartError::Threads)?;
        let mut running = Self {
            engine: Engine::start(settings).await?,
            dashboard_port: 0,
            stop: CancellationToken::new(),
            pages: TaskTracker::new(),
            threads,
        };
        if port == 0 {
            return Ok(running);
        }
        let listening = match beyond {
            Ok(beyond) => listen(beyond, port, "DASHBOARD_PORT").await.map_err(|error| error.to_string()),
            Err(reason) => Err(reason),
        };
        match listening {
            Ok(listeners) => {
                running.dashboard_port = port;
                for listener in listeners {
                    let (engine, stop) = (running.engine.clone(), running.stop.clone());
                    let serving =
                        async move { crate::serve(engine, Assets::built_in(), listener, stop).await };
                    running.pages.spawn_on(serving, &running.threads.handle());
                }
            }
            Err(error) => running.engine.note(format!("The dashboard does not listen: {error}.")),
        }
        Ok(running)
    }

    /// Stops the dashboard, lets calls under way finish within the grace of the settings, and stores everything.
    /// When `cut` comes first, they are cut. Says how many calls went through without being stored.
    pub async fn stop(&self, cut: impl Future<Output = ()>) -> Result<u64, engine::StoreError> {
        let grace = self.engine.shutdown_grace();
        self.stop.cancel();
        self.pages.close();
        let lost = tokio::select! {
            lost = self.engine.shutdown(grace) => lost,
            lost = async { cut.await; self.engine.shutdown(Duration::ZERO).await } => lost,
        };
        // A page that is slow to read must not keep the program from ending.
        if tokio::time::timeout(LAST_PAGES, self.pages.wait()).await.is_err() {
            tracing::warn!("a dashboard connection was cut");
        }
        lost
    }
}
