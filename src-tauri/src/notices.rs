//! Desktop notifications for what the engine wants its user told: a budget that is used up, a session in circles.
//! Leaves out when that is so (`engine`).

use api::Event;
use notify_rust::Notification;

/// Shows it, if this event is one to be shown. Nobody waits for the desktop.
pub(crate) fn tell(event: Event) {
    let Event::Alert { title, message, notify: true } = event else { return };
    let show = move || {
        let shown = Notification::new().appname("LLMFlow").summary(&title).body(&plain(&message)).show();
        if let Err(error) = shown {
            tracing::warn!(%error, "the desktop does not show notifications: {title}: {message}");
        }
    };
    // It ends with the desktop's answer, and nothing depends on it.
    tauri::async_runtime::spawn_blocking(show);
}

/// Linux desktops read a little HTML; a budget may be called anything.
fn plain(text: &str) -> String {
    if cfg!(target_os = "linux") {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        text.to_owned()
    }
}
