//! Reading the beginning of a client's body before it is forwarded, for the model it names. What was read goes on first,
//! frame by frame. Leaves out what the model is for (`azure`).

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

/// A model that comes later in a body than this is not found: no more of a body is held back.
const LIMIT: usize = 8 << 20;
const LONGEST_MODEL: usize = 256;

/// A client's body of which the beginning may have been read.
pub(crate) struct Peeked {
    ahead: VecDeque<Frame<Bytes>>,
    rest: Incoming,
}

impl Peeked {
    /// Nothing of it was read yet.
    pub(crate) const fn new(rest: Incoming) -> Self {
        Self { ahead: VecDeque::new(), rest }
    }

    /// Reads as far as it takes to know the model; `None` when the body names none within the limit. An error is the
    /// client's: its body broke off.
    pub(crate) async fn model(&mut self, headers: &HeaderMap) -> Result<Option<String>, hyper::Error> {
        let Some(find) = reader(headers) else { return Ok(None) };
        let (mut read, mut next_look) = (Vec::new(), 1);
        loop {
            let frame = poll_fn(|context| Pin::new(&mut self.rest).poll_frame(context)).await.transpose()?;
            let ended = frame.as_ref().is_none_or(|frame| !frame.is_data());
            if let Some(frame) = frame {
                read.extend_from_slice(frame.data_ref().map_or(&[][..], |data| data));
                self.ahead.push_back(frame);
            }
            // Looking at twice as much each time costs no more than looking once at all of it.
            if ended || read.len() >= next_look.min(LIMIT) {
                next_look = read.len() * 2;
                let found = find(&read);
                if found.is_some() || ended || read.len() >= LIMIT {
                    return Ok(found.filter(|model| !model.is_empty() && model.len() <= LONGEST_MODEL));
                }
            }
        }
    }
}

impl Body for Peeked {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.ahead.pop_front() {
            Some(frame) => Poll::Ready(Some(Ok(frame))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ahead.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let ahead: u64 = self.ahead.iter().filter_map(Frame::data_ref).map(|data| data.len() as u64).sum();
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + ahead);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + ahead);
        }
        hint
    }
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
    fn a_compressed_body_is_not_read() {
        let headers = |name, value| HeaderMap::from_iter([(name, http::HeaderValue::from_static(value))]);
        assert!(reader(&headers(CONTENT_ENCODING, "zstd")).is_none());
        assert!(reader(&headers(CONTENT_TYPE, "application/json")).is_some());
    }
}
