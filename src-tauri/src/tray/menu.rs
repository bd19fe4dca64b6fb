//! The tray's icon and entries as widgets: made once, changed where what they show changed.

use std::sync::Mutex;

use engine::connect::{Shell, Tool};
use engine::glance::{Glance, Picture};
use tauri::image::Image;
use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry, include_image};

use crate::desk::locked;
use crate::login::login;
use crate::window;

/// macOS wants a black shape and colours it itself.
const IS_TEMPLATE: bool = cfg!(target_os = "macos");
#[cfg(not(target_os = "macos"))]
const PICTURES: [Image<'static>; 3] = [
    include_image!("../icons/tray/normal@2x.png"),
    include_image!("../icons/tray/paused@2x.png"),
    include_image!("../icons/tray/failed@2x.png"),
];
#[cfg(target_os = "macos")]
const PICTURES: [Image<'static>; 3] = [
    include_image!("../icons/tray/normal-template@2x.png"),
    include_image!("../icons/tray/paused-template@2x.png"),
    include_image!("../icons/tray/failed-template@2x.png"),
];
/// Where the entry that turns the proxy off or on stands.
const POWER: usize = 4;

/// The icon and those entries that change.
pub(super) struct TrayMenu {
    icon: TrayIcon,
    menu: Menu<Wry>,
    spend: MenuItem<Wry>,
    status: MenuItem<Wry>,
    pause: MenuItem<Wry>,
    /// Turning off says first whom it strands, so it is a menu of its own.
    off: Submenu<Wry>,
    off_now: MenuItem<Wry>,
    on: MenuItem<Wry>,
    copy: Submenu<Wry>,
    login: CheckMenuItem<Wry>,
    pub(super) shown: Mutex<Option<Glance>>,
}

impl TrayMenu {
    pub(super) fn make(app: &AppHandle) -> tauri::Result<Self> {
        let glance = Glance::nothing();
        let entry = |id: &str, text: &str| MenuItem::with_id(app, id, text, true, None::<&str>);
        let fact = |text: &str| MenuItem::new(app, text, false, None::<&str>);
        let line = || PredefinedMenuItem::separator(app);
        let (spend, status) = (fact(&glance.spend)?, fact(&glance.status)?);
        let (pause, on, off_now) = (
            entry("pause", "Pause recording")?,
            entry("on", "Turn proxy on")?,
            entry("off", "Turn off anyway")?,
        );
        let off = Submenu::with_items(app, "Turn proxy off", true, &[&off_now])?;
        let copy = Submenu::new(app, "Copy environment for", true)?;
        for tool in Tool::ALL.into_iter().filter(|tool| tool.is_set_in_shells()) {
            let shells = Submenu::new(app, tool.name(), true)?;
            for shell in Shell::ALL {
                shells.append(&entry(&format!("copy {} {}", tool.key(), shell.key()), shell.name())?)?;
            }
            copy.append(&shells)?;
        }
        let at_login = login(app).is_on();
        let login = CheckMenuItem::with_id(app, "login", "Start at login", true, at_login, None::<&str>)?;
        let menu = Menu::with_items(
            app,
            &[
                &spend,
                &status,
                &line()?,
                &pause,
                &on,
                &line()?,
                &copy,
                &line()?,
                &entry("open", "Open dashboard")?,
                &entry("browser", "Open in browser")?,
                &line()?,
                &login,
                &entry("quit", "Quit LLMFlow")?,
            ],
        )?;
        let icon = TrayIconBuilder::with_id("llmflow")
            .icon(picture(glance.picture))
            .icon_as_template(IS_TEMPLATE)
            .tooltip("LLMFlow")
            .menu(&menu)
            .show_menu_on_left_click(cfg!(target_os = "macos"))
            .on_menu_event(|app, event| super::on_click(app, event.id().as_ref()))
            .on_tray_icon_event(|icon, event| {
                let (button, state) = (MouseButton::Left, MouseButtonState::Up);
                if matches!(event, TrayIconEvent::Click { button: b, button_state: s, .. } if (b, s) == (button, state))
                {
                    window::show(icon.app_handle());
                }
            })
            .build(app)?;
        let shown = Mutex::new(None);
        Ok(Self { icon, menu, spend, status, pause, off, off_now, on, copy, login, shown })
    }

    /// Shows this, touching only what differs from before.
    pub(super) fn show(&self, app: &AppHandle, glance: &Glance) {
        let before = locked(&self.shown).replace(glance.clone());
        if before.as_ref() == Some(glance) {
            return;
        }
        if let Err(error) = self.change(app, before.as_ref(), glance) {
            tracing::warn!(%error, "the tray cannot be changed");
        }
    }

    fn change(&self, app: &AppHandle, before: Option<&Glance>, glance: &Glance) -> tauri::Result<()> {
        self.spend.set_text(&glance.spend)?;
        self.status.set_text(&glance.status)?;
        if before.is_none_or(|before| before.pause != glance.pause) {
            self.pause.set_enabled(glance.pause.is_some())?;
            self.pause.set_text(glance.pause.map_or("Pause recording", |switch| switch.label))?;
        }
        if before.is_none_or(|before| before.stranded != glance.stranded) {
            self.show_power(app, glance)?;
        }
        if before.is_none_or(|before| before.picture != glance.picture) {
            self.icon.set_icon_with_as_template(Some(picture(glance.picture)), IS_TEMPLATE)?;
        }
        self.copy.set_enabled(glance.port.is_some())?;
        // Not every desktop has these.
        let _no_tooltip =
            self.icon.set_tooltip(Some(format!("LLMFlow · {}\n{}", glance.status, glance.spend)));
        Ok(())
    }

    fn show_power(&self, app: &AppHandle, glance: &Glance) -> tauri::Result<()> {
        self.menu.remove_at(POWER)?;
        if glance.stranded.is_empty() {
            return self.menu.insert(&self.on, POWER);
        }
        while self.off.remove_at(0)?.is_some() {}
        for line in &glance.stranded {
            self.off.append(&MenuItem::new(app, line, false, None::<&str>)?)?;
        }
        self.off.append(&PredefinedMenuItem::separator(app)?)?;
        self.off.append(&self.off_now)?;
        self.menu.insert(&self.off, POWER)
    }

    pub(super) fn show_autostart(&self, on: bool) {
        if self.login.is_checked().ok() == Some(on) {
            return;
        }
        if let Err(error) = self.login.set_checked(on) {
            tracing::warn!(%error, "the tray cannot be changed");
        }
    }
}

fn picture(of: Picture) -> Image<'static> {
    let [recording, paused, failed] = PICTURES;
    match of {
        Picture::Recording => recording,
        Picture::Paused => paused,
        Picture::Failed => failed,
    }
}
