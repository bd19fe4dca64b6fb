//! The tray: what it shows (`engine::glance`) and what its entries do.

mod menu;

use std::sync::Mutex;
use std::time::Duration;

use api::{Request, SourceTarget};
use engine::connect::{Shell, Tool, proxy_at};
use engine::glance::Glance;
use server::until_midnight;
use tauri::async_runtime::spawn;
use tauri::{AppHandle, Manager};

use crate::desk::{desk, locked};
use crate::login::login;
use crate::{quit, window};
use menu::TrayMenu;

/// Between two looks at what is shown.
const BREATH: Duration = Duration::from_millis(700);
const PROXY: &str = "proxy";

/// Puts the icon into the tray and keeps it true.
pub(crate) fn set_up(app: &AppHandle) {
    // The library that draws it is looked for only now, and panics when it is not installed.
    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| TrayMenu::make(app)));
    match made {
        Ok(Ok(menu)) => {
            app.manage(menu);
            spawn(keep_true(app.clone()));
        }
        Ok(Err(error)) => tracing::warn!(%error, "there is no tray"),
        Err(_) => tracing::warn!("there is no tray: install libayatana-appindicator3"),
    }
}

async fn keep_true(app: AppHandle) {
    loop {
        let glance = glance(&app).await;
        app.state::<TrayMenu>().show(&app, &glance);
        // Somebody else may have made the entry, or taken it away.
        app.state::<TrayMenu>().show_autostart(login(&app).is_on());
        tokio::time::sleep(BREATH).await;
        let desk = desk(&app);
        tokio::select! {
            () = desk.stir.notified() => {}
            () = tokio::time::sleep(until_midnight()) => {}
        }
    }
}

async fn glance(app: &AppHandle) -> Glance {
    let desk = desk(app);
    if !desk.quit.has_begun() {
        return desk.link().glance().await;
    }
    // From now on nothing is asked: the store may be closed already.
    let before = shown(app).unwrap_or_else(Glance::nothing);
    Glance { status: desk.quit.status(), ..before }
}

/// What the entry of this id does.
fn on_click(app: &AppHandle, id: &str) {
    match id {
        "open" => window::show(app),
        "browser" => {
            let link = desk(app).link();
            spawn(async move {
                if let Some(address) = link.entrance().await {
                    window::open_in_browser(&address);
                }
            });
        }
        "login" => {
            if let Err(error) = set_autostart(app, !login(app).is_on()) {
                tracing::warn!(error, "starting at login cannot be changed");
            }
        }
        "quit" => quit::quit(app),
        "pause" => {
            if let Some(switch) = shown(app).and_then(|glance| glance.pause) {
                set_source(app, switch.to);
            }
        }
        "off" => set_source(app, SourceTarget::Stopped),
        "on" => set_source(app, SourceTarget::Running),
        other => copy_environment(app, other),
    }
}

fn shown(app: &AppHandle) -> Option<Glance> {
    locked(&app.state::<TrayMenu>().shown).clone()
}

fn set_source(app: &AppHandle, to: SourceTarget) {
    let app = app.clone();
    spawn(async move {
        let request = Request::SetSource { name: PROXY.to_owned(), to };
        if let Err(error) = desk(&app).link().ask(request).await {
            tracing::error!(%error, "the proxy cannot be switched");
        }
        desk(&app).stir.notify_one();
    });
}

/// Ids are `copy TOOL SHELL`.
fn copy_environment(app: &AppHandle, id: &str) {
    let mut words = id.split(' ').skip(1);
    let tool = words.next().and_then(|key| Tool::ALL.into_iter().find(|tool| tool.key() == key));
    let shell = words.next().and_then(|key| Shell::ALL.into_iter().find(|shell| shell.key() == key));
    let (Some(tool), Some(shell), Some(port)) = (tool, shell, shown(app).and_then(|glance| glance.port))
    else {
        return;
    };
    if let Err(error) = copy(tool.setup(shell, &proxy_at(port))) {
        tracing::warn!(error, "nothing was copied");
    }
}

/// Puts text on the clipboard. On Linux the one who copied has to hand it out, so it is kept.
pub(crate) fn copy(text: String) -> Result<(), String> {
    static CLIPBOARD: Mutex<Option<arboard::Clipboard>> = Mutex::new(None);
    let mut clipboard = locked(&CLIPBOARD);
    let opened = match clipboard.take() {
        Some(open) => Ok(open),
        None => arboard::Clipboard::new(),
    };
    let mut open = opened.map_err(|error| error.to_string())?;
    let copied = open.set_text(text).map_err(|error| error.to_string());
    *clipboard = Some(open);
    copied
}

/// Starts LLMFlow at login, or no more.
pub(crate) fn set_autostart(app: &AppHandle, on: bool) -> Result<(), String> {
    let changed = login(app).set(on);
    if let Some(menu) = app.try_state::<TrayMenu>() {
        menu.show_autostart(login(app).is_on());
    }
    changed
}
