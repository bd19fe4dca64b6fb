//! Questions and events in the app's own window: one JSON text each way to the engine in the same process.
//! Leaves out what they mean. A page of this app in a browser, or in the window of another instance, has none of this.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use api::{ApiError, ErrorKind, Reply, Request};
use leptos::prelude::{set_timeout, window};
use leptos::task::spawn_local;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use super::events::{EventStream, Signal};

/// What Tauri puts into every page of its windows.
const INTERNALS: &str = "__TAURI_INTERNALS__";
/// Before another try to listen.
const PAUSE: Duration = Duration::from_secs(1);

/// Whether this page is the app's own, and so may ask the app.
pub(crate) fn is_window() -> bool {
    let location = window().location();
    let is_own = location.protocol().is_ok_and(|protocol| protocol == "tauri:")
        || location.hostname().is_ok_and(|host| host == "tauri.localhost");
    is_own && internals().is_some()
}

/// Calls one of the app's commands.
pub(crate) async fn call(command: &str, arguments: &[(&str, JsValue)]) -> Result<JsValue, JsValue> {
    let bag = js_sys::Object::new();
    for (name, value) in arguments {
        js_sys::Reflect::set(&bag, &JsValue::from_str(name), value)?;
    }
    let internals = internals().ok_or(JsValue::NULL)?;
    let invoke = method(&internals, "invoke")?;
    let answer: js_sys::Promise = invoke.call2(&internals, &JsValue::from_str(command), &bag)?.dyn_into()?;
    JsFuture::from(answer).await
}

/// Sends one question.
pub(super) async fn ask(request: &Request) -> Result<Reply, ApiError> {
    let question = serde_json::to_string(request).map_err(|error| unreadable(&error))?;
    match call("rpc", &[("request", JsValue::from_str(&question))]).await {
        Ok(answer) => {
            serde_json::from_str(&answer.as_string().unwrap_or_default()).map_err(|error| unreadable(&error))
        }
        Err(error) => {
            let text = error.as_string().unwrap_or_default();
            Err(serde_json::from_str(&text).unwrap_or_else(|_| ApiError::new(ErrorKind::Internal, text)))
        }
    }
}

/// Says that the page has drawn itself, so that the app does not take the window for broken.
pub(super) fn announce() {
    spawn_local(async {
        // The app that does not hear it offers the browser.
        let _unheard = call("ready", &[]).await;
    });
}

pub(super) fn listen(on: impl Fn(Signal) + 'static) -> EventStream {
    let order = Rc::new(Order { on: Box::new(on), next: Cell::default(), early: RefCell::default() });
    connect(order);
    EventStream::self_made()
}

fn connect(order: Rc<Order>) {
    let heard = Rc::clone(&order);
    let callback = Closure::<dyn Fn(JsValue)>::new(move |message: JsValue| heard.take(&message));
    // The app calls it as long as the page lives.
    let callback = callback.into_js_value();
    spawn_local(async move {
        match subscribe(&callback).await {
            Ok(()) => (order.on)(Signal::Connected),
            Err(_) => {
                (order.on)(Signal::Lost);
                set_timeout(move || connect(order), PAUSE);
            }
        }
    });
}

async fn subscribe(callback: &JsValue) -> Result<(), JsValue> {
    let internals = internals().ok_or(JsValue::NULL)?;
    let id = method(&internals, "transformCallback")?.call1(&internals, callback)?;
    let id = id.as_f64().ok_or(JsValue::NULL)?;
    call("listen", &[("events", JsValue::from_str(&format!("__CHANNEL__:{id}")))]).await.map(|_| ())
}

/// Messages carry a number: large ones take another way and may come late.
struct Order {
    on: Box<dyn Fn(Signal)>,
    next: Cell<u32>,
    early: RefCell<BTreeMap<u32, Option<String>>>,
}

impl Order {
    fn take(&self, message: &JsValue) {
        let member = |name: &str| js_sys::Reflect::get(message, &JsValue::from_str(name)).ok();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of messages")]
        let Some(index) = member("index").and_then(|index| index.as_f64()).map(|index| index as u32) else {
            return;
        };
        self.early.borrow_mut().insert(index, member("message").and_then(|text| text.as_string()));
        loop {
            let next = self.early.borrow_mut().remove(&self.next.get());
            let Some(text) = next else { return };
            self.next.set(self.next.get() + 1);
            // An event this version does not know changes something it does not show.
            if let Some(event) = text.and_then(|text| serde_json::from_str(&text).ok()) {
                (self.on)(Signal::Event(event));
            }
        }
    }
}

fn internals() -> Option<JsValue> {
    js_sys::Reflect::get(&window(), &JsValue::from_str(INTERNALS)).ok().filter(JsValue::is_object)
}

fn method(of: &JsValue, name: &str) -> Result<js_sys::Function, JsValue> {
    js_sys::Reflect::get(of, &JsValue::from_str(name))?.dyn_into()
}

fn unreadable(error: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorKind::Internal, format!("The app's answer could not be read: {error}."))
}
