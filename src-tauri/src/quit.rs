//! Ending, from every way of quitting: calls under way finish within the grace, everything is stored, then the app
//! ends. Asked a second time, it cuts the calls.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use server::{Link, Notice, Signals};
use tauri::AppHandle;
use tauri::async_runtime::{block_on, spawn};
use tokio::sync::Notify;

use crate::desk::desk;
use crate::window;

/// Between two looks at how many calls are under way.
const PAUSE: Duration = Duration::from_millis(200);

/// How far quitting is.
#[derive(Default)]
pub(crate) struct State {
    begun: AtomicBool,
    over: AtomicBool,
    cut: Notify,
    open: AtomicU64,
}

impl State {
    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// "Stopping: 1 call under way".
    pub(crate) fn status(&self) -> String {
        match self.open.load(Ordering::Relaxed) {
            0 => "Stopping: storing what is left".to_owned(),
            1 => "Stopping: 1 call under way".to_owned(),
            open => format!("Stopping: {open} calls under way"),
        }
    }
}

/// Quits; asked again, cuts calls that are still under way.
pub(crate) fn quit(app: &AppHandle) {
    let quit = &desk(app).quit;
    if quit.begun.swap(true, Ordering::Relaxed) {
        quit.cut.notify_one();
        return;
    }
    let app = app.clone();
    spawn(async move {
        let code = drain(&app).await;
        desk(&app).quit.over.store(true, Ordering::Relaxed);
        app.exit(code);
    });
}

/// Whether everything is stored and the app may end.
pub(crate) fn is_over(app: &AppHandle) -> bool {
    desk(app).quit.over.load(Ordering::Relaxed)
}

/// Where the system ends the app without asking, what is there is stored at once.
pub(crate) fn at_the_very_end(app: &AppHandle) {
    if let (Link::Own(running), false) = (desk(app).link(), is_over(app))
        && let Err(error) = block_on(running.stop(async {}))
    {
        tracing::error!(%error, "not everything could be stored");
    }
}

/// SIGTERM, SIGHUP and Ctrl-C quit; a second one cuts. From now on, before anything is started that has to be ended.
pub(crate) fn on_signals(app: &AppHandle) {
    match block_on(async { Signals::new() }) {
        Ok(mut signals) => {
            let app = app.clone();
            spawn(async move {
                loop {
                    signals.next().await;
                    quit(&app);
                }
            });
        }
        Err(error) => tracing::warn!(%error, "signals end the app without storing what is under way"),
    }
}

/// What the notice page says meanwhile.
pub(crate) fn notice(app: &AppHandle) -> Notice {
    Notice {
        title: "LLMFlow is quitting",
        text: format!("{}. New calls are refused; these may finish and are stored.", desk(app).quit.status()),
        action: "Cut them and quit now",
    }
}

async fn drain(app: &AppHandle) -> i32 {
    // What is starting now has to be stopped like what runs.
    let desk_state = desk(app);
    let _nothing_starts = desk_state.beginning.lock().await;
    let Link::Own(running) = desk(app).link() else { return 0 };
    let quit = &desk(app).quit;
    let watch = async {
        loop {
            let open = running.engine.calls_under_way();
            if quit.open.swap(open, Ordering::Relaxed) == 0 && open > 0 {
                window::show_notice(app);
            }
            desk(app).stir.notify_one();
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        stored = running.stop(quit.cut.notified()) => match stored {
            Ok(0) => 0,
            Ok(lost) => {
                tracing::error!(lost, "calls went through but could not be stored");
                1
            }
            Err(error) => {
                tracing::error!(%error, "not everything could be stored");
                1
            }
        },
        () = watch => 0,
    }
}
