//! The stream of events, with its connection: opened, lost, opened again with growing pauses, given up by a page that
//! nobody sees.
//! Leaves out what events mean (`live`).

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use api::Event;
use leptos::prelude::set_timeout;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{EventSource, MessageEvent};

use crate::browser;

/// What the stream has to say.
#[derive(Clone, Debug)]
pub enum Signal {
    /// The connection stands; whatever happened before is not known.
    Connected,
    /// The connection is gone; another try follows.
    Lost,
    /// Something changed.
    Event(Event),
}

/// A running stream; it ends with the page.
pub struct EventStream {
    _source: Option<Rc<Source>>,
}

const FIRST_PAUSE_MS: u64 = 500;
const LONGEST_PAUSE_MS: u64 = 15_000;

type Handler = Closure<dyn Fn(MessageEvent)>;

struct Source {
    on: Box<dyn Fn(Signal)>,
    open: RefCell<Option<(EventSource, [Handler; 3])>>,
    pause_ms: Cell<u64>,
}

impl EventStream {
    /// A stream that makes its signals itself.
    pub(super) fn self_made() -> Self {
        Self { _source: None }
    }

    pub(super) fn http(on: impl Fn(Signal) + 'static) -> Self {
        let source = Rc::new(Source {
            on: Box::new(on),
            open: RefCell::new(None),
            pause_ms: Cell::new(FIRST_PAUSE_MS),
        });
        source.connect();
        source.connect_while_seen();
        Self { _source: Some(source) }
    }
}

impl Source {
    /// A browser opens six connections to one place, and the stream keeps one of them: were it kept by tabs in the
    /// background, the seventh tab would load nothing at all. Who comes back to one hears [`Signal::Connected`], and
    /// looks at everything.
    fn connect_while_seen(self: &Rc<Self>) {
        let this = Rc::clone(self);
        browser::on_seen(move |seen| {
            if seen {
                this.pause_ms.set(FIRST_PAUSE_MS);
                this.connect();
            } else {
                this.close();
            }
        });
    }

    fn close(&self) {
        if let Some((stream, _)) = &*self.open.borrow() {
            stream.close();
        }
    }

    fn is_open(&self) -> bool {
        let open = self.open.borrow();
        open.as_ref().is_some_and(|(stream, _)| stream.ready_state() != EventSource::CLOSED)
    }

    fn connect(self: &Rc<Self>) {
        // Tried again when it is seen; tried by then, when a pause ends afterwards.
        if !browser::is_seen() || self.is_open() {
            return;
        }
        let Ok(stream) = EventSource::new("/api/events") else {
            return self.retry();
        };
        let this = Rc::clone(self);
        let opened = Closure::<dyn Fn(MessageEvent)>::new(move |_| {
            this.pause_ms.set(FIRST_PAUSE_MS);
            (this.on)(Signal::Connected);
        });
        let this = Rc::clone(self);
        let message = Closure::<dyn Fn(MessageEvent)>::new(move |message: MessageEvent| {
            // An event this version does not know changes something it does not show.
            if let Some(event) = message.data().as_string().and_then(|text| serde_json::from_str(&text).ok())
            {
                (this.on)(Signal::Event(event));
            }
        });
        let this = Rc::clone(self);
        let failed = Closure::<dyn Fn(MessageEvent)>::new(move |_| {
            // The browser's own retries are too eager and never say that they gave up.
            this.close();
            (this.on)(Signal::Lost);
            this.retry();
        });
        stream.set_onopen(Some(opened.as_ref().unchecked_ref()));
        stream.set_onmessage(Some(message.as_ref().unchecked_ref()));
        stream.set_onerror(Some(failed.as_ref().unchecked_ref()));
        self.open.replace(Some((stream, [opened, message, failed])));
    }

    fn retry(self: &Rc<Self>) {
        let pause = self.pause_ms.get();
        self.pause_ms.set((pause * 2).min(LONGEST_PAUSE_MS));
        let this = Rc::clone(self);
        set_timeout(move || this.connect(), Duration::from_millis(pause));
    }
}
