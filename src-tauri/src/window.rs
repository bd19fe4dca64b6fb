//! The one window: what it shows, where it may go, closing it, and noticing when it cannot draw.

use std::sync::atomic::Ordering;
use std::time::Duration;

use api::{Reply, Request};
use rfd::{AsyncMessageDialog, MessageButtons, MessageDialogResult, MessageLevel};
use server::Link;
use tauri::async_runtime::spawn;
use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{AppHandle, Manager, Url, WebviewUrl, WebviewWindowBuilder, Window, WindowEvent};

use crate::desk::desk;
use crate::{display, pages, quit};

const LABEL: &str = "main";
/// The address of the app's own pages.
const OWN: &str = if cfg!(windows) { "http://tauri.localhost/" } else { "tauri://localhost/" };
/// A page that has not drawn itself by then never will; a slow machine needs a second or two.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long a desktop that has just been logged into may take to offer a tray.
const TRAY_WITHIN: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(250);

/// Opens the window on what is behind it now.
pub(crate) fn open(app: &AppHandle, visible: bool) -> tauri::Result<()> {
    let loaded = app.clone();
    let leaving = app.clone();
    let address = tauri::async_runtime::block_on(page(&desk(app).link()))?;
    let builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::CustomProtocol(address))
        .title("LLMFlow")
        .inner_size(1280.0, 800.0)
        .min_inner_size(960.0, 600.0)
        .visible(visible)
        .on_page_load(move |_, page| {
            // Pages of ours say themselves when they have drawn; of another instance's, loading has to do.
            if page.event() == PageLoadEvent::Finished && !is_own(page.url()) {
                desk(&loaded).ready.store(true, Ordering::Relaxed);
            }
        })
        .on_navigation(move |to| may_go(&leaving, to))
        .on_new_window(|to, _| {
            open_outside(&to);
            NewWindowResponse::Deny
        });
    let window = builder.build()?;
    let helpless = app.clone();
    display::on_web_process_end(&window, move || offer_browser(&helpless));
    watch(app);
    Ok(())
}

/// Brings the window to the front.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    let shown = window.show().and_then(|()| window.unminimize()).and_then(|()| window.set_focus());
    if let Err(error) = shown {
        tracing::warn!(%error, "the window cannot be shown");
    }
}

/// After a start in the tray: no app may run that nobody can see.
pub(crate) fn show_unless_there_is_a_tray(app: &AppHandle) {
    let app = app.clone();
    spawn(async move {
        let mut tray = desk(&app).tray.subscribe();
        if tokio::time::timeout(TRAY_WITHIN, tray.wait_for(|there| *there == Some(true))).await.is_err() {
            show(&app);
        }
    });
}

/// Shows what is behind the window now, by its [`page`].
pub(crate) fn show_link(app: &AppHandle, page: tauri::Result<Url>) {
    if let Ok(address) = page {
        navigate(app, address);
    }
}

/// Shows the notice, in front.
pub(crate) fn show_notice(app: &AppHandle) {
    if let Ok(address) = own(pages::NOTICE) {
        navigate(app, address);
    }
    show(app);
}

fn navigate(app: &AppHandle, address: Url) {
    let Some(window) = app.get_webview_window(LABEL) else { return };
    desk(app).ready.store(false, Ordering::Relaxed);
    if let Err(error) = window.navigate(address) {
        tracing::warn!(%error, "the window cannot change its page");
    }
    watch(app);
}

/// The address of what a link leads to. Another instance may ask for a token: then it lets in once.
pub(crate) async fn page(link: &Link) -> tauri::Result<Url> {
    match link {
        Link::Own(_) => own(""),
        Link::Other(_) => parsed(&link.entrance().await.unwrap_or_default()),
        Link::Nothing(_) => own(pages::NOTICE),
    }
}

fn own(path: &str) -> tauri::Result<Url> {
    parsed(&format!("{OWN}{path}"))
}

fn parsed(address: &str) -> tauri::Result<Url> {
    address.parse().map_err(|_| tauri::Error::InvalidWebviewUrl("not an address"))
}

fn is_own(address: &Url) -> bool {
    address.as_str().starts_with(OWN)
}

/// Our own pages, or the other instance's; links to anywhere else open in the browser.
fn may_go(app: &AppHandle, to: &Url) -> bool {
    let is_the_others = || match desk(app).link() {
        Link::Other(remote) => to.host_str() == Some("127.0.0.1") && to.port() == Some(remote.port()),
        Link::Own(_) | Link::Nothing(_) => false,
    };
    let here = is_own(to) || is_the_others() || to.as_str() == "about:blank";
    if !here {
        open_outside(to);
    }
    here
}

/// Only what a browser shows: no page may start a program.
fn open_outside(to: &Url) {
    if matches!(to.scheme(), "http" | "https") {
        open_in_browser(to.as_str());
    }
}

pub(crate) fn open_in_browser(address: &str) {
    if let Err(error) = open::that_detached(address) {
        tracing::warn!(%error, address, "no browser can be opened");
    }
}

/// Closing hides into the tray where there is one and the setting says so; else it quits.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    let WindowEvent::CloseRequested { api, .. } = event else { return };
    let app = window.app_handle().clone();
    if quit::is_over(&app) {
        return;
    }
    api.prevent_close();
    let window = window.clone();
    spawn(async move {
        let stays = desk(&app).has_tray().await && closes_to_tray(&app).await;
        if !stays || window.hide().is_err() {
            quit::quit(&app);
        }
    });
}

async fn closes_to_tray(app: &AppHandle) -> bool {
    let Ok(Reply::Settings(view)) = desk(app).link().ask(Request::GetSettings).await else { return true };
    !view.settings.iter().any(|setting| setting.name == "close_to_tray" && setting.value == "false")
}

/// Looks whether the page draws itself.
fn watch(app: &AppHandle) {
    let app = app.clone();
    spawn(async move {
        let drawing = async {
            while !desk(&app).ready.load(Ordering::Relaxed) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        if tokio::time::timeout(READY_WITHIN, drawing).await.is_err() && !desk(&app).quit.has_begun() {
            tracing::error!(
                "the window does not draw; WEBKIT_DISABLE_DMABUF_RENDERER=1 often helps on Linux"
            );
            offer_browser(&app);
        }
    });
}

/// Says that the window cannot draw, and opens the browser if the user agrees.
fn offer_browser(app: &AppHandle) {
    let link = desk(app).link();
    let Some(address) = link.address() else { return };
    let text = format!(
        "The dashboard is also at {address}, in any browser. Recording goes on either way.\n\nOn Linux this is often \
         the graphics driver: start LLMFlow with WEBKIT_DISABLE_DMABUF_RENDERER=1 and look again."
    );
    let dialog = AsyncMessageDialog::new()
        .set_level(MessageLevel::Warning)
        .set_title("LLMFlow's window cannot draw")
        .set_description(text)
        .set_buttons(MessageButtons::OkCancelCustom("Open in browser".to_owned(), "Not now".to_owned()));
    let shown = app.run_on_main_thread(move || {
        let answer = dialog.show();
        spawn(async move {
            if matches!(answer.await, MessageDialogResult::Custom(label) if label == "Open in browser")
                && let Some(address) = link.entrance().await
            {
                open_in_browser(&address);
            }
        });
    });
    if let Err(error) = shown {
        tracing::error!(%error, "no dialog can be shown");
    }
}

/// The menu bar: Cmd-Q has to drain too, which the system's own entry does not.
#[cfg(target_os = "macos")]
pub(crate) fn set_menu(app: &AppHandle) -> tauri::Result<()> {
    use tauri::menu::{MenuBuilder, MenuItemBuilder, SubmenuBuilder};

    let quit = MenuItemBuilder::with_id("quit", "Quit LLMFlow").accelerator("Cmd+Q").build(app)?;
    let own = SubmenuBuilder::new(app, "LLMFlow").hide().hide_others().separator().item(&quit).build()?;
    let edit = SubmenuBuilder::new(app, "Edit").undo().redo().separator().cut().copy().paste().select_all();
    let window = SubmenuBuilder::new(app, "Window").minimize().close_window();
    let menu = MenuBuilder::new(app).items(&[&own, &edit.build()?, &window.build()?]).build()?;
    app.set_menu(menu).map(|_| ())
}
