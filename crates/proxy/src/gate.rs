//! Calls that are not sent since a budget is used up or a session goes in circles: as whoever keeps the budgets last
//! published it. Judging reads memory and nothing else; what cannot be told goes through. Leaves out what was spent and
//! what it is compared with (the engine).

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use api::Operation;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use http::{Method, Request, StatusCode};
use model::dialect::classify;
use model::identity::{said, tags};
use model::pricing::is_subscription;
use tokio::sync::Notify;

use crate::admit::speaks;
use crate::peek::Peeked;
use crate::recorder;
use crate::route::Destination;
use crate::target::{Refusal, Target};

/// A body that names its session later than within so many bytes is not looked at: no more of it is held back.
const LIMIT: usize = 32 << 20;

/// What is not sent for now; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    /// Whether anything is: most of the time nothing is, and then a call costs one look at this.
    any: Arc<AtomicBool>,
    current: Arc<RwLock<Arc<Bars>>>,
    /// Told of each refusal.
    refusals: Arc<Notify>,
}

/// Why some calls are not sent.
#[derive(Debug, Default)]
pub struct Bars {
    /// Whatever they are.
    pub all: Vec<Bar>,
    /// By session, as clients name it.
    pub sessions: HashMap<String, Vec<Bar>>,
    /// By tag.
    pub tags: HashMap<String, Vec<Bar>>,
}

/// One reason.
#[derive(Clone, Debug)]
pub struct Bar {
    /// It holds from this moment on: a clock that is set does not make yesterday's hold today.
    pub from: SystemTime,
    /// And until this one; `None`: until it is published otherwise.
    pub until: Option<SystemTime>,
    /// Calls that a subscription pays for are not sent either.
    pub subscription: bool,
    /// Calls to models of this machine are not sent either.
    pub local: bool,
    /// What the client is told: why, and what can be done.
    pub message: Arc<str>,
    /// How many were refused.
    pub refused: Arc<AtomicU64>,
}

impl Gate {
    /// From now on these are not sent.
    pub fn publish(&self, bars: Bars) {
        let any = !(bars.all.is_empty() && bars.sessions.is_empty() && bars.tags.is_empty());
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(bars);
        self.any.store(any, Ordering::Release);
    }

    /// Waits until a call was refused. One asks, or they take it from each other.
    pub async fn refused(&self) {
        self.refusals.notified().await;
    }

    /// Whether any call is refused.
    pub fn refuses_anything(&self) -> bool {
        self.any.load(Ordering::Acquire)
    }

    /// The bars; `None` when there are none.
    fn bars(&self) -> Option<Arc<Bars>> {
        self.refuses_anything().then(|| self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Judges a call whose body is still to come, and counts it if it is refused; of its body no more is read than it takes
    /// to know its session.
    pub(crate) async fn judge(
        &self,
        to: &Destination,
        target: &Target,
        request: &mut Request<Peeked>,
        held: &recorder::Budget,
    ) -> Result<(), Refusal> {
        let judged = self.would_judge(to, target, request, held).await;
        judged.map_err(|barred| {
            barred.bar.refused.fetch_add(1, Ordering::Relaxed);
            self.refusals.notify_one();
            barred.refusal
        })
    }

    /// The same of a call that may not be sent at all: nothing is counted.
    pub(crate) async fn would_judge(
        &self,
        to: &Destination,
        target: &Target,
        request: &mut Request<Peeked>,
        held: &recorder::Budget,
    ) -> Result<(), Barred> {
        let Some(bars) = self.bars() else { return Ok(()) };
        let Some(asked) = Asked::of(to, target, request.method(), request.headers()) else { return Ok(()) };
        asked.judge(&bars, b"", request.headers())?;
        let by_body = !bars.sessions.is_empty() && is_readable(request.headers());
        if !by_body || asked.session(b"", request.headers()).is_some() {
            return Ok(());
        }
        let headers = request.headers().clone();
        let body = request.body_mut().beginning(LIMIT, held).await;
        asked.judge(&bars, body, &headers)
    }

    /// Judges the handshake of a WebSocket.
    pub(crate) fn judge_socket(
        &self,
        to: &Destination,
        target: &Target,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let Some(bars) = self.bars() else { return Ok(()) };
        let asked = Asked {
            subscription: subscribed(target, headers),
            local: to.provider.local,
            path: path(target),
            to,
        };
        asked.judge(&bars, b"", headers).map_err(|barred| {
            barred.bar.refused.fetch_add(1, Ordering::Relaxed);
            barred.refusal
        })
    }
}

/// What a call is refused by, and how.
pub(crate) struct Barred {
    bar: Bar,
    pub(crate) refusal: Refusal,
}

/// A call that would cost something.
struct Asked<'a> {
    to: &'a Destination,
    path: &'a str,
    subscription: bool,
    local: bool,
}

impl<'a> Asked<'a> {
    /// `None`: it asks no model for anything.
    fn of(to: &'a Destination, target: &'a Target, method: &Method, headers: &HeaderMap) -> Option<Self> {
        use Operation::{Audio, Batches, Chat, Embeddings, Images, Ocr, Rerank, TextCompletion};
        let path = path(target);
        let operation = classify(&to.provider.speaks, method.as_str(), path).operation();
        let costs =
            matches!(operation, Chat | TextCompletion | Embeddings | Images | Audio | Rerank | Ocr | Batches);
        (costs && *method == Method::POST).then(|| Self {
            to,
            path,
            subscription: subscribed(target, headers),
            local: to.provider.local,
        })
    }

    fn session(&self, body: &[u8], headers: &HeaderMap) -> Option<String> {
        said(&|name| value(headers, name).map(str::to_owned), self.path, body).session
    }

    fn judge(&self, bars: &Bars, body: &[u8], headers: &HeaderMap) -> Result<(), Barred> {
        let now = SystemTime::now();
        let holds = |bar: &&Bar| {
            bar.from <= now
                && bar.until.is_none_or(|until| now < until)
                && (bar.subscription || !self.subscription)
                && (bar.local || !self.local)
        };
        let session = || self.session(body, headers).and_then(|session| bars.sessions.get(&session));
        let by_session = if bars.sessions.is_empty() { None } else { session() };
        let tags = if bars.tags.is_empty() { Vec::new() } else { tags(pairs(headers)) };
        let by_tag = tags.iter().filter_map(|tag| bars.tags.get(tag)).flatten();
        let found = bars.all.iter().chain(by_session.into_iter().flatten()).chain(by_tag).find(holds);
        let Some(bar) = found else { return Ok(()) };
        let refusal = Refusal {
            status: StatusCode::TOO_MANY_REQUESTS,
            kind: kind(speaks(self.to)),
            message: bar.message.as_ref().to_owned(),
        };
        Err(Barred { bar: bar.clone(), refusal })
    }
}

/// What each provider calls it when there is no more money or quota.
fn kind(speaks: &str) -> &'static str {
    match speaks {
        "anthropic" => "rate_limit_error",
        "gemini" => "RESOURCE_EXHAUSTED",
        "mistral" => "rate_limited",
        _ => "insufficient_quota",
    }
}

fn path(target: &Target) -> &str {
    target.path_and_query.split('?').next().unwrap_or_default()
}

fn subscribed(target: &Target, headers: &HeaderMap) -> bool {
    is_subscription(target.base.authority.as_str(), path(target), |name| value(headers, name))
}

fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Header values as they are recorded.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, Cow<'_, str>)> {
    headers.iter().map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes())))
}

/// Whether a body may name its session.
fn is_readable(headers: &HeaderMap) -> bool {
    let kind = value(headers, CONTENT_TYPE.as_str()).unwrap_or("application/json");
    let plain = value(headers, CONTENT_ENCODING.as_str())
        .is_none_or(|coding| coding.eq_ignore_ascii_case("identity"));
    plain && kind.to_ascii_lowercase().contains("json")
}
