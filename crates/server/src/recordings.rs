//! `llmflow mock`: recorded answers over HTTP, piece by piece as they came. Leaves out which one answers (`engine`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use engine::recordings::{Answer, Match, Missing, Piece, Recordings};
use engine::{Door, Guard, Peer};
use futures_util::stream;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// As much as the proxy translates.
const LARGEST: usize = 64 << 20;
const MICROS: f64 = 1e6;
/// Beyond any call, so that no speed makes a moment that no clock has.
const LONGEST_S: f64 = 86_400.0;

/// How fast answers come: so many times as fast as they did, or all at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(Option<f64>);

impl std::str::FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self(None));
        }
        let speed = text.parse().ok().filter(|speed: &f64| speed.is_finite() && *speed > 0.0);
        speed
            .map(|speed| Self(Some(speed)))
            .ok_or_else(|| format!("{text:?} is neither a number above 0 nor max"))
    }
}

impl Speed {
    /// When what came so long after its request comes again.
    fn moment(self, asked: Instant, at_us: u64) -> Option<Instant> {
        #[expect(clippy::cast_precision_loss, reason = "no call lasts 285 years")]
        let seconds = at_us as f64 / MICROS / self.0?;
        asked.checked_add(Duration::from_secs_f64(seconds.min(LONGEST_S)))
    }

    async fn wait(self, asked: Instant, at_us: u64) {
        if let Some(moment) = self.moment(asked, at_us) {
            tokio::time::sleep_until(moment.into()).await;
        }
    }
}

/// Answers from `recordings` on `listener` until `stop`, whom `guard` lets in.
pub async fn serve_recordings(
    recordings: Arc<Recordings>,
    guard: Guard,
    speed: Speed,
    listener: TcpListener,
    stop: CancellationToken,
) {
    let answer = {
        let guard = guard.clone();
        move |request: Request<Incoming>| {
            let (recordings, guard) = (recordings.clone(), guard.clone());
            async move { answer(&recordings, &guard, speed, request).await }
        }
    };
    let full = || tracing::warn!(limit = collector::CONNECTIONS, "too many connections to the recordings");
    let (connections, force) = (TaskTracker::new(), stop.clone());
    let ending = collector::Ending { connections: connections.clone(), stop, force };
    collector::listen(listener, guard, collector::Patience::default(), answer, full, ending).await;
    connections.close();
    connections.wait().await;
}

async fn answer(
    recordings: &Recordings,
    guard: &Guard,
    speed: Speed,
    request: Request<Incoming>,
) -> Response {
    let asked = Instant::now();
    let peer = request.extensions().get().copied().unwrap_or(Peer::Network);
    if let Err(refusal) = guard.judge(peer, Door::Collector, &request) {
        return error(StatusCode::FORBIDDEN, "forbidden", &refusal.reason);
    }
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LARGEST).collect().await else {
        let message = "The request's body broke off, or is larger than 64 MiB.";
        return error(StatusCode::BAD_REQUEST, "invalid_request_error", message);
    };
    let coding = head.headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let (method, path) = (head.method.as_str(), head.uri.path());
    match recordings.answer(method, path, coding, &body.to_bytes()).await {
        Ok(Ok((answer, by))) => again(answer, by, speed, asked).await,
        Ok(Err(missing)) => not_recorded(method, path, &missing, recordings.len()),
        Err(failure) => {
            tracing::error!(error = %failure, "a recording could not be read");
            let message = "The recording could not be read; the log says why.";
            error(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", message)
        }
    }
}

/// The recorded answer, its head and each of its pieces at their time.
async fn again(answer: Answer, by: Match, speed: Speed, asked: Instant) -> Response {
    speed.wait(asked, answer.head_us).await;
    let mut response = Response::new(body(answer.pieces, answer.breaks_off, speed, asked));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    let headers = response.headers_mut();
    for recorded in &answer.headers {
        let name = HeaderName::try_from(&recorded.name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(&recorded.value)) {
            headers.append(name, value);
        }
    }
    if let Some(length) = answer.length {
        headers.insert(header::CONTENT_LENGTH, length.into());
    }
    if let Ok(call) = HeaderValue::try_from(answer.call.to_string()) {
        headers.insert("x-llmflow-recording", call);
    }
    headers.insert("x-llmflow-matched", HeaderValue::from_static(by.as_str()));
    response
}

fn body(pieces: Vec<Piece>, breaks_off: bool, speed: Speed, asked: Instant) -> Body {
    let cut = breaks_off.then(|| Err(std::io::Error::other("the recorded answer broke off here")));
    let pieces = pieces.into_iter().map(Ok).chain(cut);
    Body::from_stream(stream::unfold(pieces, move |mut pieces| async move {
        let piece = match pieces.next()? {
            Ok(Piece { at_us, data }) => {
                speed.wait(asked, at_us).await;
                Ok::<Bytes, std::io::Error>(data)
            }
            Err(cut) => {
                // The server throws away what it has not written yet when a body fails: it is given a turn to write.
                tokio::task::yield_now().await;
                Err(cut)
            }
        };
        Some((piece, pieces))
    }))
}

fn not_recorded(method: &str, path: &str, missing: &Missing, recordings: usize) -> Response {
    let model = missing.model.as_ref().map(|model| format!(" for the model {model:?}")).unwrap_or_default();
    let stream = if missing.streams { ", as a stream" } else { "" };
    let message = format!(
        "None of the {recordings} recordings answers {method} {path}{model}{stream}: neither the same request nor the same \
         conversation nor another call of this model on this path is among them."
    );
    error(StatusCode::NOT_FOUND, "not_found_error", &message)
}

/// An error that the SDKs of OpenAI, Anthropic and Google show alike.
fn error(status: StatusCode, kind: &str, message: &str) -> Response {
    let body = json!({
        "type": "error",
        "error": {"type": kind, "code": status.as_u16(), "status": kind, "message": message},
    });
    (status, [("x-llmflow-error", "1")], axum::Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_speed_is_a_number_or_all_there_is() {
        for wrong in ["0", "-1", "NaN", "inf", "", "fast"] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
        let now = Instant::now();
        let after =
            |speed: &str, at_us| speed.parse::<Speed>().unwrap().moment(now, at_us).map(|then| then - now);
        assert_eq!(after("2", 3_000_000), Some(Duration::from_millis(1_500)));
        assert_eq!(after("max", 3_000_000), None);
        assert_eq!(after("0.000001", u64::MAX), Some(Duration::from_secs(86_400)));
    }
}
