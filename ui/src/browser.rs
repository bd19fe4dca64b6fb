//! What the browser gives: the clock, storage, the clipboard, where the keyboard is. Leaves out events and requests.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;

use crate::backend::invoke;

/// Milliseconds since 1970 (UTC).
#[expect(clippy::cast_possible_truncation, reason = "a clock's milliseconds fit")]
pub fn now_ms() -> i64 {
    js_sys::Date::now() as i64
}

/// Minutes east of UTC at `ms`.
#[expect(clippy::cast_possible_truncation, reason = "an offset is some hundred minutes")]
pub fn utc_offset(ms: i64) -> i32 {
    -(js_sys::Date::new(&(ms as f64).into()).get_timezone_offset() as i32)
}

/// The local midnight that begins the day `days` after that of `ms`; it knows about summer time.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a date's milliseconds and days fit"
)]
pub fn midnight(ms: i64, days: i32) -> i64 {
    let date = js_sys::Date::new(&(ms as f64).into());
    let (year, month, day) = (date.get_full_year(), date.get_month(), date.get_date());
    js_sys::Date::new_with_year_month_day(year, month as i32, day as i32 + days).get_time() as i64
}

/// A value kept between visits.
pub fn stored(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps a value between visits, when the browser lets it.
pub fn store(key: &str, value: &str) {
    if let Ok(Some(storage)) = window().local_storage() {
        // Storage can be full or forbidden: then the choice lasts as long as the page.
        let _ = storage.set_item(key, value);
    }
}

/// Puts text on the clipboard; `false` when the browser refuses. In the app's own window the app does it, since not
/// every web view may.
pub async fn copy(text: &str) -> bool {
    if invoke::is_window() {
        return invoke::call("copy", &[("text", text.into())]).await.is_ok();
    }
    // Where the page is not from a safe place there is no clipboard at all.
    let clipboard = js_sys::Reflect::get(&window().navigator(), &"clipboard".into());
    if !clipboard.is_ok_and(|clipboard| clipboard.is_object()) {
        return false;
    }
    JsFuture::from(window().navigator().clipboard().write_text(text)).await.is_ok()
}

/// Sets the document's title.
pub fn set_title(title: &str) {
    document().set_title(&format!("{title} · LLMFlow"));
}

const PREFERS_DARK: &str = "(prefers-color-scheme: dark)";

/// Puts the cursor into the field with this id, when it is there.
pub fn focus(id: &str) {
    let field =
        document().get_element_by_id(id).and_then(|field| field.dyn_into::<web_sys::HtmlElement>().ok());
    if let Some(field) = field {
        // A field that cannot take the cursor can still be clicked.
        let _ = field.focus();
    }
}

/// Whether the computer is set to dark.
pub fn system_is_dark() -> bool {
    window().match_media(PREFERS_DARK).ok().flatten().is_some_and(|query| query.matches())
}

/// Calls `on` whenever that changes, as long as the page lives.
pub fn on_system_theme(on: impl Fn(bool) + 'static) {
    if let Ok(Some(query)) = window().match_media(PREFERS_DARK) {
        let heard = Closure::<dyn Fn()>::new(move || on(system_is_dark()));
        query.set_onchange(Some(heard.as_ref().unchecked_ref()));
        // Both live as long as the page.
        heard.forget();
        std::mem::forget(query);
    }
}

/// Whether somebody can see the page: it is not a tab in the background.
pub fn is_seen() -> bool {
    !document().hidden()
}

/// Calls `on` whenever that changes, as long as the page lives.
pub fn on_seen(on: impl Fn(bool) + 'static) {
    let heard = Closure::<dyn Fn()>::new(move || on(is_seen()));
    document().set_onvisibilitychange(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
}

/// Whether the window fits a media query, now and later.
pub fn fits(query: &'static str) -> ReadSignal<bool> {
    let look = move || window().match_media(query).ok().flatten().is_some_and(|found| found.matches());
    let (fits, set_fits) = signal(look());
    let handle = window_event_listener(leptos::ev::resize, move |_| {
        let now = look();
        if fits.get_untracked() != now {
            set_fits.set(now);
        }
    });
    on_cleanup(move || handle.remove());
    fits
}

/// Whether a key press belongs to a field that is being typed in.
pub fn is_typing(event: &web_sys::KeyboardEvent) -> bool {
    let Some(element) = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok()) else {
        return false;
    };
    let editable = element.get_attribute("contenteditable").is_some_and(|value| value != "false");
    editable || matches!(element.tag_name().as_str(), "INPUT" | "TEXTAREA" | "SELECT")
}

/// Whether a key press is aimed at a button or a link, which Enter and Space work.
pub fn is_on_control(event: &web_sys::KeyboardEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok())
        .is_some_and(|element| matches!(element.tag_name().as_str(), "BUTTON" | "A" | "SUMMARY"))
}

/// Whether a click is on a link, which leads somewhere by itself.
pub fn is_on_link(event: &web_sys::MouseEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    target.is_some_and(|element| matches!(element.closest("a[href]"), Ok(Some(_))))
}

/// Presses the button with this test id, if it is there.
pub fn press(testid: &str) {
    press_first(&[testid]);
}

/// Presses the first of these that is there.
pub fn press_first(testids: &[&str]) {
    let find = |testid: &&str| {
        let found = document().query_selector(&format!("[data-testid={testid}]")).ok().flatten();
        found.and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok())
    };
    if let Some(button) = testids.iter().find_map(find) {
        button.click();
    }
}

/// Calls `on` for each key that is not typed into a field, while the caller's component lives.
/// The press is swallowed when `on` says that it used it.
pub fn on_key(on: impl Fn(&web_sys::KeyboardEvent) -> bool + 'static) {
    let handle = window_event_listener(leptos::ev::keydown, move |event| {
        let modified = event.ctrl_key() || event.meta_key() || event.alt_key();
        if !modified && !event.default_prevented() && !is_typing(&event) && on(&event) {
            event.prevent_default();
        }
    });
    on_cleanup(move || handle.remove());
}
