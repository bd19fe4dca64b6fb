//! Reading the beginning of a client's body before it is forwarded, for the model it names. What was read goes on first,
//! frame by frame. Leaves out what the model is for (`azure`).

use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use crate::recorder::{Budget, Lease};

/// A model that comes later in a body than this is not found: no more of a body is held back.
const LIMIT: usize = 1 << 20;
const LONGEST_MODEL: usize = 256;
/// Of a body that is refused so much more is read, in so much time.
const DISCARDED: usize = 64 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(10);

/// A client's body of which the beginning may have been read.
pub(crate) struct Peeked {
    /// What was read, until it goes on.
    ahead: Option<Ahead>,
    /// What ended the reading: trailers, or data that had no room.
    trailers: Option<Frame<Bytes>>,
    /// `None`: nothing comes after what was read.
    rest: Option<Incoming>,
}

/// The beginning of a body, with the memory it takes from the budget of bodies that are held.
struct Ahead {
    data: Vec<u8>,
    lease: Lease,
}

/// A body that was read to its end, with the memory it takes from the budget of bodies that are held.
pub(crate) struct Whole {
    pub(crate) data: Vec<u8>,
    pub(crate) lease: Lease,
}

/// Why a body could not be read, or no model is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeekError {
    /// The client's body broke off.
    Client,
    /// The budget has no room for it.
    NoRoom,
    /// The body names none within the limit.
    None,
    /// It is larger than the limit.
    TooLarge,
}

impl Peeked {
    /// Nothing of it was read yet.
    pub(crate) const fn new(rest: Incoming) -> Self {
        Self { ahead: None, trailers: None, rest: Some(rest) }
    }

    /// A body of our own, with the memory it takes.
    pub(crate) fn own(body: Whole) -> Self {
        Self { ahead: Some(Ahead { data: body.data, lease: body.lease }), trailers: None, rest: None }
    }

    /// Reads all of it, which may be `limit` bytes at most. `see` is shown each piece as it comes.
    pub(crate) async fn read_all(
        &mut self,
        limit: usize,
        budget: &Budget,
        mut see: impl FnMut(&[u8]),
    ) -> Result<(), PeekError> {
        let known = self.size_hint().lower();
        if usize::try_from(known).is_ok_and(|known| known > limit) {
            return Err(PeekError::TooLarge);
        }
        let ahead = self.ahead.get_or_insert_with(|| Ahead { data: Vec::new(), lease: budget.lease() });
        see(&ahead.data);
        while let Some(frame) = next(&mut self.rest).await {
            match frame.map_err(|_| PeekError::Client)?.into_data() {
                Ok(data) if ahead.data.len() + data.len() > limit => return Err(PeekError::TooLarge),
                Ok(data) => {
                    see(&data);
                    ahead.push(&data)?;
                }
                Err(trailers) => self.trailers = Some(trailers),
            }
        }
        self.rest = None;
        Ok(())
    }

    /// Reads what comes up to its end, or as far as `limit` and the budget let it, and shows that. Nothing is lost: what
    /// had no room goes on behind the rest.
    pub(crate) async fn beginning(&mut self, limit: usize, budget: &Budget) -> &[u8] {
        let ahead = self.ahead.get_or_insert_with(|| Ahead { data: Vec::new(), lease: budget.lease() });
        while self.trailers.is_none()
            && ahead.data.len() < limit
            // A body that breaks off does so again for whoever sends it on.
            && let Some(Ok(frame)) = next(&mut self.rest).await
        {
            match frame.into_data() {
                Ok(data) if ahead.push(&data).is_err() => self.trailers = Some(Frame::data(data)),
                Ok(_) => {}
                Err(trailers) => self.trailers = Some(trailers),
            }
        }
        &ahead.data
    }

    /// Takes all of it out, which may be `limit` bytes at most.
    pub(crate) async fn whole(&mut self, limit: usize, budget: &Budget) -> Result<Whole, PeekError> {
        self.read_all(limit, budget, |_| {}).await?;
        let ahead = self.ahead.take().unwrap_or_else(|| Ahead { data: Vec::new(), lease: budget.lease() });
        Ok(Whole { data: ahead.data, lease: ahead.lease })
    }

    /// Reads as far as it takes to know the model.
    pub(crate) async fn model(&mut self, headers: &HeaderMap, budget: &Budget) -> Result<String, PeekError> {
        let find = reader(headers).ok_or(PeekError::None)?;
        let ahead = self.ahead.insert(Ahead { data: Vec::new(), lease: budget.lease() });
        let mut next_look = 1;
        loop {
            let frame = next(&mut self.rest).await.transpose();
            let frame = frame.map_err(|_| PeekError::Client)?.map(Frame::into_data);
            let ended = !matches!(frame, Some(Ok(_)));
            match frame {
                Some(Ok(data)) => ahead.push(&data)?,
                Some(Err(trailers)) => self.trailers = Some(trailers),
                None => {}
            }
            // Looking at twice as much each time costs no more than looking once at all of it.
            if ended || ahead.data.len() >= next_look.min(LIMIT) {
                next_look = ahead.data.len() * 2;
                let found = find(&ahead.data);
                if found.is_some() || ended || ahead.data.len() >= LIMIT {
                    let usable = |model: &String| !model.is_empty() && model.len() <= LONGEST_MODEL;
                    return found.filter(usable).ok_or(PeekError::None);
                }
            }
        }
    }
}

impl Peeked {
    /// Reads on for a while, for nothing: a client that is still sending would not see its refusal when the connection
    /// closed under it.
    pub(crate) async fn discard(self) {
        let Self { ahead, mut rest, .. } = self;
        drop(ahead);
        let reading = async {
            let mut left = DISCARDED;
            while let Some(Ok(frame)) = next(&mut rest).await {
                let read = frame.data_ref().map_or(0, Bytes::len);
                let Some(fewer) = left.checked_sub(read) else { break };
                left = fewer;
            }
        };
        let _ended_or_given_up = tokio::time::timeout(DISCARD_TIME, reading).await;
    }

    /// The bytes that were read and not passed on.
    fn read(&self) -> u64 {
        let pending = self.trailers.as_ref().and_then(Frame::data_ref).map_or(0, Bytes::len);
        self.ahead.as_ref().map_or(0, |ahead| ahead.data.len() as u64) + pending as u64
    }
}

impl Ahead {
    /// The memory is taken before it is used.
    fn push(&mut self, data: &[u8]) -> Result<(), PeekError> {
        let wanted = self.data.len() + data.len();
        if wanted > self.data.capacity() {
            // A model is found in the first piece or two; a whole body that is this large takes its size by half.
            let room = wanted.next_power_of_two().min(LIMIT.max(wanted + wanted / 2));
            if !self.lease.take(room - self.data.capacity()) {
                return Err(PeekError::NoRoom);
            }
            self.data.reserve_exact(room - self.data.len());
        }
        self.data.extend_from_slice(data);
        Ok(())
    }
}

impl Body for Peeked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        // The lease ends here: whoever takes note of what goes by takes one of its own.
        if let Some(ahead) = self.ahead.take().filter(|ahead| !ahead.data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(ahead.data.into()))));
        }
        match self.trailers.take() {
            Some(trailers) => Poll::Ready(Some(Ok(trailers))),
            None => self.rest.as_mut().map_or(Poll::Ready(None), |rest| Pin::new(rest).poll_frame(context)),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.read() == 0 && self.trailers.is_none() && self.rest.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let ahead = self.read();
        let rest = self.rest.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ahead);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead);
        }
        hint
    }
}

async fn next(rest: &mut Option<Incoming>) -> Option<Result<Frame<Bytes>, hyper::Error>> {
    let rest = rest.as_mut()?;
    poll_fn(|context| Pin::new(&mut *rest).poll_frame(context)).await
}

type Find = fn(&[u8]) -> Option<String>;

/// How a body of this kind names its model; `None` when it cannot be read as it comes.
fn reader(headers: &HeaderMap) -> Option<Find> {
    let encoding = headers.get(CONTENT_ENCODING).map_or("identity", |value| value.to_str().unwrap_or("?"));
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match encoding.trim().eq_ignore_ascii_case("identity") {
        true if kind.trim().to_ascii_lowercase().starts_with("multipart/") => Some(in_form),
        true => Some(in_json),
        false => None,
    }
}

/// The top-level `model` of a JSON object of which the end may be missing.
fn in_json(body: &[u8]) -> Option<String> {
    let found = Found::default();
    let mut json = serde_json::Deserializer::from_slice(body);
    // Found, missing and broken off all end it early; what was found by then is the answer.
    let _ended = json.deserialize_map(&found);
    found.0.into_inner()
}

#[derive(Default)]
struct Found(RefCell<Option<String>>);

impl<'de> Visitor<'de> for &Found {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            if name == "model" {
                *self.0.borrow_mut() = Some(map.next_value()?);
                return Err(A::Error::custom("found"));
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// The field `model` of a form.
fn in_form(body: &[u8]) -> Option<String> {
    let after = |from: usize, wanted: &[u8]| {
        let rest = body.get(from..)?;
        Some(from + memchr::memmem::find(rest, wanted)? + wanted.len())
    };
    let named = after(0, b"name=\"model\"").or_else(|| after(0, b"name=model\r"))?;
    let value = after(named.saturating_sub(1), b"\r\n\r\n")?;
    let end = after(value, b"\r\n")? - 2;
    std::str::from_utf8(body.get(value..end)?).ok().map(|model| model.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_found_wherever_it_stands() {
        let long = format!(
            r#"{{"messages":[{{"model":"no","content":"\"model\":\"no\"{}"}}],"model":"m-1","x":"#,
            "y".repeat(9)
        );
        for (body, model) in [
            (r#"{"model":"m"}"#, Some("m")),
            (r#"  {"a":{"model":"no"},"model" : "m\u002e1", "#, Some("m.1")),
            (long.as_str(), Some("m-1")),
            (r#"{"model":"m"#, None),
            (r#"{"model":7}"#, None),
            (r#"[{"model":"m"}]"#, None),
            (r#"{"messages":[]}"#, None),
            ("", None),
        ] {
            assert_eq!(in_json(body.as_bytes()).as_deref(), model, "{body}");
        }
    }

    #[test]
    fn a_form_names_its_model_in_a_field() {
        let form = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nbytes\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nwhisper-1\r\n--b--";
        assert_eq!(in_form(form.as_bytes()).as_deref(), Some("whisper-1"));
        assert_eq!(in_form(&form.as_bytes()[..form.len() - 9]), None, "its end may be missing");
        assert_eq!(in_form(b"--b--"), None);
    }

    #[test]
    fn what_is_held_back_is_taken_from_the_budget() {
        let budget = Budget::new(100);
        let mut ahead = Ahead { data: Vec::new(), lease: budget.lease() };
        ahead.push(&[0; 40]).unwrap();
        assert_eq!(
            (budget.free(), ahead.data.capacity()),
            (36, 64),
            "all that it holds, not only what is used"
        );
        ahead.push(&[0; 24]).unwrap();
        assert_eq!(ahead.push(&[0; 1]), Err(PeekError::NoRoom));
        assert_eq!(ahead.data.len(), 64);
        drop(ahead);
        assert_eq!(budget.free(), 100);
    }

    #[test]
    fn a_compressed_body_is_not_read() {
        let headers = |name, value| HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))]);
        assert!(reader(&headers(CONTENT_ENCODING, "zstd")).is_none());
        assert!(reader(&headers(CONTENT_TYPE, "application/json")).is_some());
    }
}
