//! What the whole app shares, and following what is behind the window as that comes and goes.

use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use server::{Link, Remote, SettingsFlags};
use tauri::async_runtime::{JoinHandle, spawn};
use tauri::{AppHandle, Manager};
use tokio::sync::{Notify, watch};

use crate::{notices, window};

/// Between two looks for an LLMFlow to attach to.
const PAUSE: Duration = Duration::from_millis(500);
/// A desktop says at once whether it shows tray icons, unless it hangs.
const TRAY_ANSWER: Duration = Duration::from_secs(5);
/// Tries to reach the other one again before it is taken to have ended.
const TRIES: u32 = 4;

/// The app's state.
pub(crate) struct Desk {
    flags: SettingsFlags,
    link: Mutex<Option<Link>>,
    /// Held while something starts, and from the moment on that quitting looks for what to stop.
    pub(crate) beginning: tokio::sync::Mutex<()>,
    follower: Mutex<Option<JoinHandle<()>>>,
    /// Sends events to the page; a reload replaces it.
    pub(crate) teller: Mutex<Option<JoinHandle<()>>>,
    /// Something that the tray shows may have changed.
    pub(crate) stir: Notify,
    /// The page has drawn itself.
    pub(crate) ready: AtomicBool,
    /// Whether a tray is there to come back from; unknown until the desktop has said.
    pub(crate) tray: watch::Sender<Option<bool>>,
    pub(crate) quit: crate::quit::State,
}

impl Desk {
    pub(crate) fn new(flags: SettingsFlags) -> Self {
        Self {
            flags,
            link: Mutex::default(),
            beginning: tokio::sync::Mutex::default(),
            follower: Mutex::default(),
            teller: Mutex::default(),
            stir: Notify::new(),
            ready: AtomicBool::new(false),
            tray: watch::Sender::new(None),
            quit: crate::quit::State::default(),
        }
    }

    /// What the app was started with.
    pub(crate) fn flags(&self) -> &SettingsFlags {
        &self.flags
    }

    /// Whether a tray is there to come back from, once the desktop has said; no, when it says nothing for long.
    pub(crate) async fn has_tray(&self) -> bool {
        let mut tray = self.tray.subscribe();
        let said = tokio::time::timeout(TRAY_ANSWER, tray.wait_for(Option::is_some)).await;
        matches!(said, Ok(Ok(known)) if *known == Some(true))
    }

    /// What is behind the window now.
    pub(crate) fn link(&self) -> Link {
        locked(&self.link).clone().unwrap_or_else(Link::ended)
    }
}

/// A lock that survives a panic elsewhere.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The app's state.
pub(crate) fn desk(app: &AppHandle) -> tauri::State<'_, Desk> {
    app.state()
}

/// Finds or starts what the window shows, unless that is there already.
pub(crate) async fn begin(app: &AppHandle) {
    let desk = desk(app);
    let _one_at_a_time = desk.beginning.lock().await;
    if desk.quit.has_begun() || !matches!(*locked(&desk.link), None | Some(Link::Nothing(_))) {
        return;
    }
    // It looks for others, and would take the one that starts here for one of them.
    if let Some(follower) = locked(&desk.follower).take() {
        follower.abort();
    }
    let link = Link::begin(desk.flags.clone()).await;
    let page = window::page(&link).await;
    change(app, link, page);
}

fn change(app: &AppHandle, link: Link, page: tauri::Result<tauri::Url>) {
    let desk = desk(app);
    // Also while quitting, which stops what has just started.
    *locked(&desk.link) = Some(link.clone());
    if desk.quit.has_begun() {
        return;
    }
    window::show_link(app, page);
    let follower = spawn(follow(app.clone(), link));
    if let Some(before) = locked(&desk.follower).replace(follower) {
        before.abort();
    }
    desk.stir.notify_one();
}

/// Stirs at each event; changes over when the other one ends, or one appears.
async fn follow(app: AppHandle, link: Link) {
    match link {
        Link::Own(running) => {
            let mut events = engine::Gathering::new(running.engine.events(), Duration::ZERO);
            while let Some(gathered) = events.next().await {
                gathered.into_iter().for_each(notices::tell);
                desk(&app).stir.notify_one();
            }
        }
        Link::Other(remote) => {
            while is_there(&remote).await {
                let on = |event| {
                    notices::tell(event);
                    desk(&app).stir.notify_one();
                };
                remote.watch(on).await;
            }
            let (ended, page) = (Link::ended(), window::page(&Link::ended()).await);
            change(&app, ended, page);
        }
        Link::Nothing(_) => loop {
            tokio::time::sleep(PAUSE).await;
            if let Ok(settings) = desk(&app).flags.load()
                && let Some(other) = Link::find(&settings).await
            {
                let link = Link::Other(other);
                let page = window::page(&link).await;
                return change(&app, link, page);
            }
        },
    }
}

async fn is_there(remote: &Remote) -> bool {
    for _ in 0..TRIES {
        if remote.health().await.is_some() {
            return true;
        }
        tokio::time::sleep(PAUSE).await;
    }
    false
}
