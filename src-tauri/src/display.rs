//! What only Linux has to be asked: whether there is a display and a tray, and whether WebKit's process still lives.
//! Elsewhere all of these are there.

use tauri::{AppHandle, WebviewWindow};

#[cfg(target_os = "linux")]
pub(crate) use linux::{check, on_web_process_end, watch_tray};

#[cfg(target_os = "linux")]
mod linux {
    use std::cell::Cell;

    use gtk::gio::{self, BusNameWatcherFlags, BusType};
    use webkit2gtk::WebViewExt;

    use super::{AppHandle, WebviewWindow};
    use crate::desk::desk;

    const WATCHER: &str = "org.kde.StatusNotifierWatcher";

    /// Without a display there is nothing to draw on.
    pub(crate) fn check() -> Result<(), String> {
        gtk::init().map_err(|_| {
            "there is no display to open a window on; run `llmflow serve` and use the dashboard in a browser".to_owned()
        })
    }

    /// Keeps in mind whether the desktop shows tray icons: some never do, some only after a while.
    pub(crate) fn watch_tray(app: &AppHandle) {
        let (appeared, vanished) = (app.clone(), app.clone());
        // Watches as long as the app runs.
        let _watch = gio::bus_watch_name(
            BusType::Session,
            WATCHER,
            BusNameWatcherFlags::NONE,
            move |_, _, _| _ = desk(&appeared).tray.send_replace(Some(true)),
            move |_, _| _ = desk(&vanished).tray.send_replace(Some(false)),
        );
    }

    /// The first time WebKit's process ends, the page is loaded again; after that `on_second` is called.
    pub(crate) fn on_web_process_end(window: &WebviewWindow, on_second: impl Fn() + Send + 'static) {
        let attached = window.with_webview(move |webview| {
            let once = Cell::new(false);
            webview.inner().connect_web_process_terminated(move |view, reason| {
                tracing::error!(?reason, "WebKit's process ended");
                if once.replace(true) { on_second() } else { view.reload() }
            });
        });
        if let Err(error) = attached {
            tracing::warn!(%error, "the window's process is not watched");
        }
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn check() -> Result<(), String> {
    Ok(())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn watch_tray(app: &AppHandle) {
    crate::desk::desk(app).tray.send_replace(Some(true));
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn on_web_process_end(_: &WebviewWindow, _: impl Fn() + Send + 'static) {}
