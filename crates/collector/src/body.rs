//! Request bodies off the network: bounded, paid for while they come, and in time.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout, timeout_at};

use crate::inbox::{Inbox, SMALL, Waiting};
use crate::problem::Problem;

/// How long a small body may take.
const LITTLE: Duration = Duration::from_secs(30);
/// In this time a body that is not small has to grow by so much, wherever it stands.
const STRETCH: Duration = Duration::from_secs(10);
const GROWTH: usize = 640 << 10;
/// How long the one body that holds the room of others may do so.
const LARGEST: Duration = Duration::from_secs(10);
/// How long a body may take in all: what it holds is held from others.
const WHOLE: Duration = Duration::from_secs(300);
/// How long somebody who is refused may go on sending, so that the answer is not lost in a broken connection.
const REST: Duration = Duration::from_secs(10);

/// Reads a body of at most `limit` bytes as it was sent, and takes room for it.
pub(crate) async fn read(
    headers: &HeaderMap,
    mut body: Body,
    limit: usize,
    inbox: &Inbox,
) -> Result<(Bytes, Waiting), Problem> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let outcome = collect(&mut body, announced, limit, inbox).await;
    if outcome.is_err() && !matches!(outcome, Err(Problem::Gone | Problem::Slow)) {
        let rest = async { while let Some(Ok(_)) = body.frame().await {} };
        // Who sends for longer than that may lose the answer.
        let _ended = timeout(REST, rest).await;
    }
    outcome
}

async fn collect(
    body: &mut Body,
    announced: Option<usize>,
    limit: usize,
    inbox: &Inbox,
) -> Result<(Bytes, Waiting), Problem> {
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(Problem::too_large(limit));
    }
    let mut room = inbox.begin()?;
    let (mut first, mut all) = (Bytes::new(), BytesMut::new());
    let mut speed = Speed::new(Instant::now());
    loop {
        let next = timeout_at(speed.deadline(), body.frame()).await.map_err(|_| Problem::Slow)?;
        let Some(frame) = next else { break };
        let Ok(data) = frame.map_err(|_| Problem::Gone)?.into_data() else { continue };
        let length = first.len() + all.len() + data.len();
        if length > limit {
            return Err(Problem::too_large(limit));
        }
        inbox.grow(&mut room, length)?;
        speed.reach(length, room.is_largest(), Instant::now());
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            // Most bodies are one frame, and are not copied.
            all.reserve(announced.unwrap_or(length).min(1 << 20).max(length));
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok((if all.is_empty() { first } else { all.freeze() }, room.whole()))
}

/// Whether a body comes fast enough for what it holds from others.
struct Speed {
    /// When the whole has to be there.
    end: Instant,
    /// When more has to be there, and more than what.
    stretch: Instant,
    length: usize,
    is_largest: bool,
}

impl Speed {
    fn new(now: Instant) -> Self {
        Self { end: now + WHOLE, stretch: now + LITTLE, length: 0, is_largest: false }
    }

    /// So many bytes are there.
    fn reach(&mut self, length: usize, is_largest: bool, now: Instant) {
        if length > SMALL && (self.length == 0 || length >= self.length + GROWTH) {
            (self.length, self.stretch) = (length, now + STRETCH);
        }
        if is_largest && !self.is_largest {
            (self.is_largest, self.end) = (true, self.end.min(now + LARGEST));
        }
    }

    fn deadline(&self) -> Instant {
        self.end.min(self.stretch)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;
    use tokio::sync::mpsc;

    use super::*;
    use crate::inbox::{Counts, Limits};

    #[tokio::test]
    async fn frames_of_any_size_are_put_together() {
        let limits = Limits { body: 64 << 20, waiting: 64 << 20 };
        let inbox = Inbox::new(mpsc::channel(1).0, limits, Arc::new(Counts::default()));
        for sizes in
            [&[][..], &[0], &[10], &[10, 10], &[700_000, 700_000], &[3 << 20, 1], &[1, 3 << 20, 0, 7]]
        {
            let whole: Vec<u8> = (0..sizes.iter().sum::<usize>()).map(|at| (at % 251) as u8).collect();
            let mut rest = Bytes::from(whole.clone());
            let pieces: Vec<Bytes> = sizes.iter().map(|size| rest.split_to(*size)).collect();
            for announced in [false, true] {
                let frames = pieces.clone().into_iter().map(|piece| Ok::<_, Infallible>(Frame::data(piece)));
                let body = Body::new(StreamBody::new(stream::iter(frames)));
                let mut headers = HeaderMap::new();
                if announced {
                    headers.insert(CONTENT_LENGTH, whole.len().into());
                }
                let (bytes, _room) = read(&headers, body, limits.body, &inbox).await.ok().unwrap();
                assert_eq!(bytes, whole, "{sizes:?}");
            }
        }
    }

    #[test]
    fn a_body_has_to_go_on_growing_for_as_long_as_it_holds_room() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut speed = Speed::new(start);
        speed.reach(SMALL, false, at(20));
        assert_eq!(speed.deadline(), at(30), "a small one has time");
        speed.reach(SMALL + 1, false, at(25));
        assert_eq!(speed.deadline(), at(35));
        speed.reach(SMALL + 2, false, at(34));
        speed.reach(SMALL + GROWTH, false, at(34));
        assert_eq!(speed.deadline(), at(35), "a few bytes now and then are not enough");
        speed.reach(SMALL + 1 + GROWTH, false, at(34));
        assert_eq!(speed.deadline(), at(44));
        let mut length = SMALL;
        for second in 35..400 {
            length += 1 << 20;
            speed.reach(length, false, at(second));
        }
        assert_eq!(speed.deadline(), at(300), "nor may it take for ever");
        let mut largest = Speed::new(start);
        largest.reach(40 << 20, true, at(1));
        largest.reach(50 << 20, true, at(9));
        assert_eq!(largest.deadline(), at(11), "who holds the room of others has little time");
    }
}
