//! A call in OpenAI's shape to a provider with another: its body is read, translated and sent, and the answer goes back
//! translated, piece by piece as it comes. Leaves out both shapes (the crate `translate`).

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::Full;
use tokio::sync::Semaphore;
use translate::{Answering, Front, Outgoing, Stream, Target};

use crate::body::{ResponseBody, Tapped};
use crate::peek::{PeekError, Peeked, Whole};
use crate::provider::Provider;
use crate::recorder::Budget;
use crate::reply;

/// The largest body that is translated, either way: it is held whole, where others go by.
const LARGEST: usize = 64 << 20;
/// What is larger is translated on a thread of its own: the others' calls go on meanwhile.
const AT_ONCE: usize = 256 << 10;
/// So many of the larger ones are translated at one time: a tree of values takes several times its text.
static LARGE_ONES: Semaphore = Semaphore::const_new(2);
/// A body of more values than this is no conversation, and its tree would take a hundred times its text.
const MOST_VALUES: usize = 500_000;
/// What OpenAI's clients say to OpenAI alone.
const FOR_OPENAI: &[&str] = &["openai-organization", "openai-project", "openai-beta"];
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Where other providers put the request's id.
const OTHER_IDS: &[&str] = &["request-id", "x-debug-trace-id", "x-goog-request-id"];

/// A call that is being translated.
#[derive(Debug)]
pub(crate) struct Translation {
    /// What the client sent.
    pub(crate) asked: Bytes,
    /// The upstream's path and query.
    pub(crate) path_and_query: String,
    headers: Vec<(&'static str, String)>,
    answering: Answering,
}

/// Reads a client's body and puts the translated one in its place; or the answer that says why not.
pub(crate) async fn translate(
    (front, target): (Front, Target),
    provider: &Provider,
    budget: &Budget,
    request: &mut Request<Peeked>,
) -> Result<Translation, Response<ResponseBody>> {
    if let Some(coding) =
        request.headers().get(header::CONTENT_ENCODING).filter(|coding| *coding != "identity")
    {
        let message = format!(
            "LLMFlow translates this call for {}, and reads no body in the coding {coding:?}. Send it as it is.",
            provider.display_name
        );
        return Err(error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_content_encoding", &message));
    }
    let asked = request.body_mut().whole(LARGEST, budget).await.map_err(unread)?;
    let size = asked.data.len();
    if has_too_many_values(&asked.data) {
        let message = format!(
            "The body holds more than {MOST_VALUES} values, which is the most that LLMFlow translates."
        );
        return Err(error(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", &message));
    }
    let work = move || {
        let begun = translate::begin(front, target, &asked.data).map(|(mut outgoing, answering)| {
            let body = outgoing.take_bytes();
            (outgoing, body, answering)
        });
        (asked, begun)
    };
    let Some((asked, begun)) = aside(size, work).await else { return Err(failed()) };
    let (outgoing, body, answering) = begun.map_err(|refusal| {
        tracing::debug!(
            provider = provider.name,
            field = refusal.field,
            "a call was not translated: {}",
            refusal.why
        );
        answer(StatusCode::BAD_REQUEST, refusal.body().to_string().into_bytes())
    })?;
    let Outgoing { path, query, headers, .. } = outgoing;
    let own = request.uri().query().filter(|query| !query.is_empty());
    let query: Vec<&str> = query.into_iter().chain(own).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let path_and_query = provider.upstream_path(&format!("{path}{mark}{}", query.join("&")));
    let Whole { data, lease } = asked;
    *request.body_mut() = Peeked::own(Whole { data: body, lease });
    Ok(Translation { asked: data.into(), path_and_query, headers, answering })
}

/// Does `work` on `size` bytes where it holds nobody up; `None` when it broke.
async fn aside<T: Send + 'static>(size: usize, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if size <= AT_ONCE {
        return Some(work());
    }
    let _turn = LARGE_ONES.acquire().await.ok()?;
    tokio::task::spawn_blocking(work).await.ok()
}

/// Whether JSON holds more values than are translated: what opens or separates them, outside of texts.
fn has_too_many_values(json: &[u8]) -> bool {
    if json.len() <= MOST_VALUES {
        return false;
    }
    let (mut values, mut in_text, mut escaped) = (0_usize, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',' | b'[' | b'{') => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

/// A fault of our own.
fn failed() -> Response<ResponseBody> {
    error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "LLMFlow could not translate this, by a fault of its own.",
    )
}

fn unread(why: PeekError) -> Response<ResponseBody> {
    match why {
        PeekError::NoRoom => {
            let message = "LLMFlow has no memory left to translate this body. Try again shortly, or raise memory_mb in \
                           the settings.";
            let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "overloaded", message);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            response
        }
        PeekError::TooLarge => {
            let message = format!(
                "The body is larger than {} MiB, which is the most that LLMFlow translates. Larger ones go through in the \
                 provider's own dialect.",
                LARGEST >> 20
            );
            let mut response = error(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", &message);
            // What is left of the body is not read.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
        PeekError::Client | PeekError::None => {
            let message = "The request's body broke off before its end.";
            error(StatusCode::BAD_REQUEST, "invalid_request_error", message)
        }
    }
}

impl Translation {
    /// Makes the client's headers fit the translated request.
    pub(crate) fn prepare(&self, headers: &mut HeaderMap) {
        FOR_OPENAI.iter().for_each(|name| _ = headers.remove(*name));
        // The body is here, and has another length.
        headers.remove(header::EXPECT);
        headers.remove(header::CONTENT_LENGTH);
        headers.remove(header::CONTENT_ENCODING);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        // What is to be read must not come compressed.
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in &self.headers {
            if let Ok(value) = HeaderValue::from_str(value)
                && !headers.contains_key(*name)
            {
                headers.insert(*name, value);
            }
        }
    }

    /// The upstream's answer as the client gets it. What is no stream is read whole before its head goes out.
    pub(crate) async fn answer(self, response: Response<Tapped>, budget: &Budget) -> Response<ResponseBody> {
        let (mut head, mut tapped) = response.into_parts();
        let upstream = std::mem::take(&mut head.headers);
        let kind = upstream.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let streams = kind.trim().to_ascii_lowercase().starts_with("text/event-stream");
        let coded = upstream.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity");
        if head.status.is_success() && self.answering.streams() && streams && !coded {
            head.headers = passed_on(&upstream, "text/event-stream; charset=utf-8");
            tapped.watch().told(head.status.as_u16(), &head.headers);
            let stream = self.answering.stream(now());
            let translated = Translated { inner: tapped, stream, over: false };
            return Response::from_parts(head, ResponseBody::Translated(Box::new(translated)));
        }
        let read = match coded {
            true => Err("is compressed, although LLMFlow asked for it as it is".to_owned()),
            false => whole(&mut tapped, budget).await,
        };
        let upstream_status = head.status;
        let unwell = read.as_ref().ok().filter(|_| !upstream_status.is_success());
        let retry_after = unwell.and_then(|whole| self.answering.retry_after(&whole.data));
        let size = read.as_ref().map_or(0, |whole| whole.data.len());
        let work = move || self.whole_answer(upstream_status, read);
        let Some((status, kind, body)) = aside(size, work).await else { return failed() };
        head.status = status;
        head.headers = passed_on(&upstream, kind);
        if let Some(seconds) = retry_after {
            head.headers.entry(header::RETRY_AFTER).or_insert_with(|| HeaderValue::from(seconds));
        }
        let body = Bytes::from(body);
        if status != upstream_status {
            head.headers.insert("x-llmflow-error", HeaderValue::from_static("1"));
        }
        tapped.watch().told(status.as_u16(), &head.headers);
        tapped.watch().wrote(&body);
        Response::from_parts(head, ResponseBody::Own(Full::new(body)))
    }

    /// Status, content type and body of what is no stream on the upstream's side.
    fn whole_answer(
        &self,
        status: StatusCode,
        read: Result<Whole, String>,
    ) -> (StatusCode, &'static str, Vec<u8>) {
        const JSON: &str = "application/json";
        let failed = |message: &str| {
            let failure = translate::Failure::of_upstream(message);
            (StatusCode::BAD_GATEWAY, JSON, translate::chat::error_body(&failure).to_string().into_bytes())
        };
        let body = match read {
            Ok(whole) if has_too_many_values(&whole.data) => {
                return failed(&format!("The provider's answer holds more than {MOST_VALUES} values."));
            }
            Ok(whole) => whole,
            Err(why) => return failed(&format!("The provider's answer {why}.")),
        };
        if !status.is_success() {
            return (status, JSON, self.answering.error(status.as_u16(), &body.data));
        }
        if self.answering.streams() {
            let mut out = Vec::new();
            self.answering.stream(now()).document(&body.data, &mut out);
            return (status, "text/event-stream; charset=utf-8", out);
        }
        match self.answering.whole(&body.data, now()) {
            Ok(answer) => (status, JSON, answer),
            Err(failure) => (
                StatusCode::BAD_GATEWAY,
                JSON,
                translate::chat::error_body(&failure).to_string().into_bytes(),
            ),
        }
    }
}

/// All of an answer; or what is wrong with it.
async fn whole(tapped: &mut Tapped, budget: &Budget) -> Result<Whole, String> {
    let mut whole = Whole { data: Vec::new(), lease: budget.lease() };
    while let Some(frame) = poll_fn(|context| tapped.poll_next(context)).await {
        let frame = frame.map_err(|error| format!("broke off: {error}"))?;
        let Some(data) = frame.data_ref() else { continue };
        if whole.data.len() + data.len() > LARGEST {
            return Err(format!(
                "is larger than {} MiB, which is the most that LLMFlow translates",
                LARGEST >> 20
            ));
        }
        // It is paid for: there is room for it, and less for calls that only begin.
        whole.lease.take_what_is_left(data.len());
        whole.data.extend_from_slice(data);
    }
    Ok(whole)
}

/// A stream that is translated as it comes.
pub(crate) struct Translated {
    inner: Tapped,
    stream: Stream,
    over: bool,
}

impl Translated {
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// What follows from the upstream's next pieces; pieces that say nothing yet are waited out.
    pub(crate) fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        while !self.over {
            let mut out = Vec::new();
            match ready!(self.inner.poll_next(context)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.stream.push(data, &mut out);
                    }
                }
                Some(Err(error)) => {
                    self.over = true;
                    self.stream.break_off(&format!("The provider's answer broke off: {error}."), &mut out);
                }
                None => {
                    self.over = true;
                    self.stream.finish(&mut out);
                }
            }
            if !out.is_empty() {
                let out = Bytes::from(out);
                self.inner.watch().wrote(&out);
                return Poll::Ready(Some(Frame::data(out)));
            }
        }
        Poll::Ready(None)
    }
}

/// The upstream's headers, but for those that tell of its body.
fn passed_on(upstream: &HeaderMap, kind: &'static str) -> HeaderMap {
    let of_body = [
        header::CONTENT_LENGTH,
        header::CONTENT_ENCODING,
        header::CONTENT_TYPE,
        header::ETAG,
        header::TRAILER,
    ];
    let mut headers = HeaderMap::new();
    for (name, value) in upstream {
        if !of_body.contains(name) {
            headers.append(name, value.clone());
        }
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if !headers.contains_key(REQUEST_ID)
        && let Some(id) = OTHER_IDS.iter().find_map(|name| upstream.get(*name))
    {
        headers.insert(REQUEST_ID, id.clone());
    }
    headers
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<ResponseBody> {
    reply::error(status, "openai", kind, message)
}

fn answer(status: StatusCode, body: Vec<u8>) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::Own(Full::new(body.into())));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert("x-llmflow-error", HeaderValue::from_static("1"));
    response
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_where_they_are_no_text() {
        let many = |piece: &str| format!("[{}0]", piece.repeat(MOST_VALUES));
        assert!(has_too_many_values(many("0,").as_bytes()));
        assert!(has_too_many_values(many("[],").as_bytes()));
        let text = format!(r#"["a \\\" {}","b"]"#, "[,{".repeat(MOST_VALUES));
        assert!(!has_too_many_values(text.as_bytes()), "a long text is one value");
        assert!(!has_too_many_values(b"[0,0]"));
    }
}
