//! Recorded calls sent again by LLMFlow itself: by the same way as a client's, and marked within this process, so that
//! no client can have its own calls counted apart. Leaves out what is sent (the engine) and what is recorded (`recorder`).

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use api::CallId;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use tokio::sync::oneshot;

use crate::admit::{Admitted, admit};
use crate::auth::Auth;
use crate::body::ResponseBody;
use crate::capture::ReplayOf;
use crate::forward::{aim, forward};
use crate::keys::KeyRing;
use crate::peek::{Peeked, Whole};
use crate::provider::{KeyForm, Provider};
use crate::route::{Destination, Route, route};
use crate::serve::{Proxy, Shared};
use crate::target::{Refusal, Target};
use crate::translation::translate;

/// Of an answer of ours so much is read for its sentence.
const SENTENCE: usize = 64 << 10;

/// A recorded call as it is sent again. Its headers carry no credentials: it is lent a key.
#[derive(Debug)]
pub struct Repeat {
    /// The new call.
    pub id: CallId,
    /// The recorded one.
    pub of: ReplayOf,
    /// As a client of the proxy would ask.
    pub path_and_query: String,
    /// What is said beside the body, without its length.
    pub headers: HeaderMap,
    /// What is asked.
    pub body: Vec<u8>,
}

/// Why nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotSent {
    /// The status that a client would have got.
    pub status: u16,
    /// Why, and what can be done.
    pub message: String,
}

/// Where a call would go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aimed {
    /// The provider's name.
    pub provider: String,
    /// The host, with its port when it is not the scheme's own.
    pub upstream: String,
    /// The path there, without query.
    pub path: String,
}

/// What marks a request as a replay.
#[derive(Clone, Debug)]
pub(crate) struct Again {
    pub(crate) id: CallId,
    pub(crate) of: ReplayOf,
    begun: Arc<Mutex<Option<oneshot::Sender<()>>>>,
}

impl Again {
    /// Its record is open.
    pub(crate) fn begun(&self) {
        if let Some(begun) = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _nobody_waits = begun.send(());
        }
    }
}

impl From<Refusal> for NotSent {
    fn from(refusal: Refusal) -> Self {
        Self { status: refusal.status.as_u16(), message: refusal.message }
    }
}

impl Proxy {
    /// Where `repeat` would go if it were sent, or why it would not. Budgets are asked, and count nothing, if it is a `trial`;
    /// otherwise they are asked when it is sent.
    pub async fn would_send(&self, repeat: Repeat, trial: bool) -> Result<Aimed, NotSent> {
        let shared = self.shared();
        let to = destination(shared, &repeat)?;
        let mut request = request(shared, repeat, None)?;
        let held = &shared.tap.held;
        let translation = match to.translated {
            None => None,
            Some(from_to) => match translate(from_to, &to.provider, held, &mut request).await {
                Ok(translation) => Some(translation),
                Err(answer) => return Err(told(answer).await),
            },
        };
        let target = aim(shared, &to, translation.as_ref(), &mut request).await?;
        let keys = shared.keys.current();
        let Admitted { auth, path_and_query, .. } = admit(&keys, &to, &target, request.headers())?;
        may_go(&keys, &to.provider, &target, &auth)?;
        if trial {
            let judged = shared.gate.would_judge(&to, &target, &mut request, held).await;
            judged.map_err(|barred| barred.refusal)?;
        }
        Ok(Aimed {
            provider: to.provider.name.clone(),
            upstream: target.base.authority.as_str().to_owned(),
            path: path_and_query.split('?').next().unwrap_or_default().to_owned(),
        })
    }

    /// Sends `repeat` as if a client had, says on `begun` when it is under way, and ends when its answer has. An error:
    /// nothing was sent. Dropping the future cuts the call.
    pub async fn send_again(&self, repeat: Repeat, begun: oneshot::Sender<()>) -> Result<(), NotSent> {
        let shared = self.shared();
        let to = destination(shared, &repeat)?;
        let again = Arc::new(Mutex::new(Some(begun)));
        let request = request(shared, repeat, Some(again.clone()))?;
        let answer = Box::pin(forward(shared, &to, request, Instant::now())).await;
        let is_sent = again.lock().unwrap_or_else(PoisonError::into_inner).is_none();
        if !is_sent {
            return Err(told(answer).await);
        }
        let mut body = answer.into_body();
        while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
        Ok(())
    }

    /// What is under way is cut by us from now on, and not by whoever asked.
    pub fn cuts(&self) {
        self.shared().tap.stopping.store(true, Ordering::Relaxed);
    }
}

fn destination(shared: &Shared, repeat: &Repeat) -> Result<Destination, NotSent> {
    let chosen = repeat.headers.get(crate::forward::PROVIDER_HEADER).and_then(|value| value.to_str().ok());
    match route(shared.upstreams.providers(), "POST", &repeat.path_and_query, chosen) {
        Route::Upstream(to) => Ok(to),
        Route::Refused(message) => Err(NotSent { status: 404, message }),
        Route::Health | Route::BedrockHealth | Route::Providers => {
            Err(NotSent { status: 404, message: "This is answered by LLMFlow itself.".to_owned() })
        }
    }
}

/// The request as it would come from a client.
fn request(
    shared: &Shared,
    repeat: Repeat,
    begun: Option<Arc<Mutex<Option<oneshot::Sender<()>>>>>,
) -> Result<Request<Peeked>, NotSent> {
    let mut lease = shared.tap.held.lease();
    if !lease.take(repeat.body.len()) {
        return Err(NotSent {
            status: StatusCode::SERVICE_UNAVAILABLE.as_u16(),
            message: "LLMFlow has no memory left to hold this body. Try again shortly, or raise memory_mb in the settings."
                .to_owned(),
        });
    }
    let mut request = Request::new(Peeked::own(Whole { data: repeat.body, lease }));
    *request.method_mut() = Method::POST;
    let unusable = |_| NotSent { status: 400, message: "The path is not valid in a URL.".to_owned() };
    *request.uri_mut() = repeat.path_and_query.parse().map_err(unusable)?;
    *request.headers_mut() = repeat.headers;
    let begun = begun.unwrap_or_default();
    request.extensions_mut().insert(Again { id: repeat.id, of: repeat.of, begun });
    Ok(request)
}

/// Whether a replay is lent what it needs: a recorded call's own key is not kept.
pub(crate) fn may_go(
    keys: &KeyRing,
    provider: &Provider,
    target: &Target,
    auth: &Auth,
) -> Result<(), Refusal> {
    let (form, name) = (provider.key.form, &provider.display_name);
    // What stands behind Helicone takes a key of its own, whatever Helicone is paid by.
    let beside = matches!(form, KeyForm::Beside { .. });
    let needs_none = form == KeyForm::NotNeeded || provider.custom && provider.key.variables.is_empty();
    if !beside && (auth.is_lent() || auth.signs() || needs_none && keys.stored(provider).is_none()) {
        return Ok(());
    }
    let host = &target.base.authority;
    let message = if beside {
        format!(
            "Calls through {name} carry the key of the provider behind it, which is not kept. Replay with another provider."
        )
    } else if keys.stored(provider).is_none() {
        let variable = provider.key.variables.first();
        let otherwise = variable.map(|name| format!(", or set {name} and start LLMFlow again"));
        format!(
            "LLMFlow has no key for {name}, and the recorded call's own is not kept. Add one on the Providers page{}.",
            otherwise.unwrap_or_default()
        )
    } else if target.chosen_by_client {
        format!(
            "LLMFlow does not send {name}'s key to {host}, which the recorded call's client chose. Make it a provider of its \
             own in the settings, or replay with another provider."
        )
    } else if keys.local_required {
        format!(
            "LLMFlow lends its key for {name} only to tools with a local key, and a replay is none (local_keys_required in \
             the settings)."
        )
    } else {
        format!(
            "LLMFlow does not send {name}'s key in clear over a network: {host} is asked by http. Set \
             providers.{}.base_url to an address with https.",
            provider.name
        )
    };
    Err(Refusal { status: StatusCode::UNAUTHORIZED, kind: "authentication_error", message })
}

/// The sentence of an answer of ours, in whatever dialect it is.
async fn told(answer: Response<ResponseBody>) -> NotSent {
    let status = answer.status().as_u16();
    let (mut body, mut text) = (answer.into_body(), Vec::new());
    while let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let data = frame.into_data().unwrap_or_default();
        text.extend_from_slice(data.get(..data.len().min(SENTENCE - text.len())).unwrap_or_default());
    }
    let said: serde_json::Value = serde_json::from_slice(&text).unwrap_or_default();
    let places = ["/error/message", "/message", "/error"];
    let message = places.iter().find_map(|place| said.pointer(place)?.as_str());
    NotSent { status, message: message.unwrap_or("The proxy refused the call.").to_owned() }
}
