//! The commands of the window's own pages: questions and answers as one JSON text each way, since 64-bit numbers do
//! not survive as JavaScript values. `permissions/own.toml` lists the same names.
#![expect(clippy::needless_pass_by_value, reason = "Tauri hands a command its arguments by value")]

use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{ApiError, ErrorKind, Event, Request};
use server::Link;
use tauri::async_runtime::spawn;
use tauri::ipc::{Channel, Invoke};
use tauri::{AppHandle, Wry};

use crate::desk::{begin, desk, locked};
use crate::login::login;
use crate::{quit, tray};

/// Between two batches of events.
const BREATH: Duration = Duration::from_millis(40);

pub(crate) fn handler() -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![rpc, listen, ready, copy, autostart_get, autostart_set, notice, act]
}

/// Asks the engine.
#[tauri::command]
async fn rpc(app: AppHandle, request: String) -> Result<String, String> {
    let answer = async {
        let request: Request = serde_json::from_str(&request)
            .map_err(|error| ApiError::new(ErrorKind::BadRequest, error.to_string()))?;
        desk(&app).link().ask(request).await
    };
    match answer.await {
        Ok(reply) => Ok(text(&reply)),
        Err(error) => Err(text(&error)),
    }
}

/// Sends events from now on. A page that loads anew asks again, and takes the place of the one before.
#[tauri::command]
fn listen(app: AppHandle, events: Channel<String>) {
    let Link::Own(running) = desk(&app).link() else { return };
    let mut source = engine::Gathering::new(running.engine.events(), BREATH);
    let teller = spawn(async move {
        while let Some(gathered) = source.next().await {
            for event in gathered {
                if events.send(text::<Event>(&event)).is_err() {
                    return;
                }
            }
        }
    });
    if let Some(before) = locked(&desk(&app).teller).replace(teller) {
        before.abort();
    }
}

/// The page has drawn itself.
#[tauri::command]
fn ready(app: AppHandle) {
    desk(&app).ready.store(true, Ordering::Relaxed);
}

/// Puts text on the clipboard.
#[tauri::command]
async fn copy(text: String) -> Result<(), String> {
    tray::copy(text)
}

/// Whether LLMFlow starts at login, as JSON.
#[tauri::command]
async fn autostart_get(app: AppHandle) -> Result<String, String> {
    Ok(login(&app).is_on().to_string())
}

/// Starts LLMFlow at login, or no more.
#[tauri::command]
async fn autostart_set(app: AppHandle, on: bool) -> Result<(), String> {
    tray::set_autostart(&app, on)
}

/// What the notice page says, as JSON.
#[tauri::command]
fn notice(app: AppHandle) -> String {
    let notice = match desk(&app).link() {
        Link::Nothing(notice) => notice,
        Link::Own(_) | Link::Other(_) => quit::notice(&app),
    };
    text(&serde_json::json!({"title": notice.title, "text": notice.text, "action": notice.action}))
}

/// The one thing that the notice page offers.
#[tauri::command]
async fn act(app: AppHandle) {
    if desk(&app).quit.has_begun() {
        quit::quit(&app);
    } else {
        begin(&app).await;
    }
}

fn text<T: serde::Serialize>(value: &T) -> String {
    // Types of `api` always become JSON.
    serde_json::to_string(value).unwrap_or_default()
}
