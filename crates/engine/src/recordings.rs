//! Recorded calls as answers: which one answers a request, and in what pieces. Reads the database beside whoever writes
//! it. Leaves out serving them (`server`).

mod answer;
mod key;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use api::{BodySide, CallDetail, CallFilter, CallId, CallState, CallSummary, Header, Page, ReportSource};
use bytes::Bytes;
use proxy::Providers;
use store::{Store, StoreError};

use crate::pipeline::decode;
use crate::settings::Settings;
pub use answer::Piece;
use key::{Asked, Key};

/// Calls read at once.
const PAGE: u32 = 1_000;

/// What answers.
pub struct Recordings {
    store: Store,
    providers: Providers,
    calls: Vec<CallId>,
    exact: HashMap<Key, Turns>,
    prompts: HashMap<Key, Turns>,
    models: HashMap<Key, Turns>,
}

/// Calls that answer the same, one after the other and then from the first again.
#[derive(Default)]
struct Turns {
    calls: Vec<usize>,
    next: AtomicUsize,
}

impl Turns {
    fn next(&self) -> Option<usize> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        self.calls.get(turn % self.calls.len().max(1)).copied()
    }
}

/// Why this recording answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It was asked the same.
    Same,
    /// The same was said before its answer.
    Prompt,
    /// The same model was asked on the same path.
    Model,
}

impl Match {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Prompt => "prompt",
            Self::Model => "model",
        }
    }
}

/// A recorded answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The recorded call.
    pub call: CallId,
    /// The status that the client got.
    pub status: u16,
    /// The headers that are true again.
    pub headers: Vec<Header>,
    /// The body's length, where that was told.
    pub length: Option<u64>,
    /// When the head came, in microseconds since the request.
    pub head_us: u64,
    /// The body in the pieces in which it came.
    pub pieces: Vec<Piece>,
    /// It broke off behind them.
    pub breaks_off: bool,
}

/// What was looked for where nothing matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The model asked for.
    pub model: Option<String>,
    /// Whether a stream was asked for.
    pub streams: bool,
}

impl Recordings {
    /// Those of the calls that match which ended with an answer that was kept whole. `only` one call, if given.
    pub async fn open(
        settings: &Settings,
        filter: &CallFilter,
        only: Option<CallId>,
    ) -> Result<Self, RecordingsError> {
        let store = Store::look(&settings.data_dir.join("data.db")).await?;
        let upstreams =
            crate::engine::upstreams(settings).map_err(|error| RecordingsError(error.to_string()))?;
        let mut recordings = Self {
            store,
            providers: upstreams.providers().clone(),
            calls: Vec::new(),
            exact: HashMap::new(),
            prompts: HashMap::new(),
            models: HashMap::new(),
        };
        let mut found: Vec<CallSummary> = match only {
            Some(id) => recordings.store.call(id).await?.map(|call| call.summary).into_iter().collect(),
            None => recordings.all(filter).await?,
        };
        // The oldest answers first, as it did.
        found.reverse();
        for call in found.iter().filter(|call| answers(call)) {
            recordings.take(call).await?;
        }
        Ok(recordings)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The recording that answers, and why; an error says what was looked for.
    pub async fn answer(
        &self,
        method: &str,
        path: &str,
        coding: Option<&str>,
        body: &Bytes,
    ) -> Result<Result<(Answer, Match), Missing>, StoreError> {
        let body = decode(body, coding).bytes;
        let asked = Asked::of(&self.providers, method, path, &body);
        let found = self.find(&asked);
        let missing = Missing { model: asked.named, streams: asked.streams };
        let Some((id, by)) = found else { return Ok(Err(missing)) };
        // It may have been deleted meanwhile.
        let Some(call) = self.store.call(id).await? else { return Ok(Err(missing)) };
        let side = match call.translated {
            Some(_) => BodySide::ClientResponse,
            None => BodySide::Response,
        };
        let body = self.store.body(id, side).await?.unwrap_or_default();
        Ok(answer::answer(&call, &body.into()).map(|answer| (answer, by)).ok_or(missing))
    }

    fn find(&self, asked: &Asked) -> Option<(CallId, Match)> {
        let by = |turns: Option<&Turns>, by: Match| Some((*self.calls.get(turns?.next()?)?, by));
        by(self.exact.get(&asked.exact), Match::Same)
            .or_else(|| by(asked.prompt.and_then(|prompt| self.prompts.get(&prompt)), Match::Prompt))
            .or_else(|| by(self.models.get(&asked.model), Match::Model))
    }

    /// All that match, newest first.
    async fn all(&self, filter: &CallFilter) -> Result<Vec<CallSummary>, StoreError> {
        let mut found: Vec<CallSummary> = Vec::new();
        loop {
            let before = found.last().map(|call| call.id);
            let page = self.store.list_calls(filter, Page { limit: PAGE, offset: 0, before }).await?;
            if page.calls.is_empty() {
                return Ok(found);
            }
            found.extend(page.calls);
        }
    }

    async fn take(&mut self, summary: &CallSummary) -> Result<(), StoreError> {
        let Some(call) = self.store.call(summary.id).await? else { return Ok(()) };
        if is_cut(&call) {
            return Ok(());
        }
        let side = match call.translated {
            Some(_) => BodySide::ClientRequest,
            None => BodySide::Request,
        };
        let body: Bytes = self.store.body(summary.id, side).await?.unwrap_or_default().into();
        let path = match self.providers.find(&summary.provider) {
            // A header chose the provider: the path says nothing of it.
            Some(provider) if chosen_by_header(&call) => format!("/{}{}", provider.name, summary.path),
            _ => summary.path.clone(),
        };
        let asked = Asked::of(&self.providers, &summary.method, &path, &body);
        let number = self.calls.len();
        self.calls.push(summary.id);
        self.exact.entry(asked.exact).or_default().calls.push(number);
        if let Some(prompt) = asked.prompt {
            self.prompts.entry(prompt).or_default().calls.push(number);
        }
        self.models.entry(asked.model).or_default().calls.push(number);
        Ok(())
    }
}

/// Recordings cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RecordingsError(String);

impl From<StoreError> for RecordingsError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

/// Whether a client that asks the same can be answered with this: it ended by itself, by HTTP.
fn answers(call: &CallSummary) -> bool {
    let ended = matches!(call.state, CallState::Complete | CallState::UpstreamError | CallState::Truncated);
    let by_http = call.method != model::dialect::WEBSOCKET && call.status.is_some_and(|status| status >= 200);
    ended && by_http && call.sources.contains(&ReportSource::Proxy)
}

fn is_cut(call: &CallDetail) -> bool {
    let (request, response) = match &call.translated {
        Some(translated) => (&translated.request_body, &translated.response_body),
        None => (&call.request_body, &call.response_body),
    };
    request.cut || response.cut
}

fn chosen_by_header(call: &CallDetail) -> bool {
    call.request_headers.iter().any(|header| header.name.eq_ignore_ascii_case("x-llmflow-provider"))
}
