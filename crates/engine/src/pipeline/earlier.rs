//! What calls leave for later ones, in memory: requests that failed and may be made again, and answers that providers
//! go on with in the background. Owns when a call is a retry, and whose the tokens of a response read again are.
//! Leaves out reading bodies (`model`). What a restart forgets only leaves a mark out.

use std::collections::VecDeque;

use api::{CallDetail, CallId, CallState, CallSummary, Operation};
use sha2::{Digest, Sha256};

/// A client that comes back later than this begins anew.
const WITHIN_MS: i64 = 10 * 60 * 1_000;
/// A client may see the end a moment before it is stamped here.
const SLACK_MS: i64 = 100;
/// The oldest are forgotten first.
const MOST: usize = 512;

/// One request, streamed or not: who asks for what.
type Key = [u8; 32];

/// What earlier calls left.
#[derive(Debug, Default)]
pub(crate) struct Earlier {
    failed: VecDeque<Failed>,
    /// Ids of responses whose tokens nobody has told yet.
    background: VecDeque<String>,
}

#[derive(Debug)]
struct Failed {
    key: Key,
    call: CallId,
    ended_ms: i64,
}

impl Earlier {
    /// The call that `call` makes again, if any; and remembers `call` if it may have to be made again itself.
    pub(super) fn retry_of(&mut self, call: &CallDetail, request: &[u8]) -> Option<CallId> {
        let summary = &call.summary;
        let broken = is_broken(summary);
        let asks = !matches!(summary.operation, Operation::Other | Operation::SideCall | Operation::Stored);
        if !asks || request.is_empty() || call.request_body.cut || !broken && self.failed.is_empty() {
            return None;
        }
        let key = key(call, request)?;
        let began = summary.started_ms;
        let again = self.failed.iter().rposition(|failed| {
            failed.key == key && (-SLACK_MS..WITHIN_MS).contains(&(began - failed.ended_ms))
        });
        let earlier = again.and_then(|at| self.failed.remove(at)).map(|failed| failed.call);
        if broken {
            let lasted = summary.duration_us.unwrap_or(0) / 1_000;
            let ended_ms = began.saturating_add(i64::try_from(lasted).unwrap_or(i64::MAX));
            keep(&mut self.failed, Failed { key, call: summary.id, ended_ms });
        }
        earlier
    }

    /// The provider goes on with this response in the background.
    pub(super) fn goes_on(&mut self, response: &str) {
        keep(&mut self.background, response.to_owned());
    }

    /// Whether the tokens of this response, read again, have been counted by no call yet. Answers yes once.
    pub(super) fn ends(&mut self, response: &str) -> bool {
        let at = self.background.iter().position(|known| known == response);
        at.and_then(|at| self.background.remove(at)).is_some()
    }
}

fn keep<T>(kept: &mut VecDeque<T>, new: T) {
    if kept.len() >= MOST {
        kept.pop_front();
    }
    kept.push_back(new);
}

/// Whether a client that sees this end may well ask again. A client that left may have done so for want of an answer.
fn is_broken(call: &CallSummary) -> bool {
    call.state != CallState::Complete || call.status.is_some_and(|status| status >= 400)
}

/// The same provider, credential, tool and session ask the same, but for how the answer is to come.
fn key(call: &CallDetail, request: &[u8]) -> Option<Key> {
    let mut hash = Sha256::new();
    let summary = &call.summary;
    for part in [
        Some(summary.provider.as_str()),
        call.credential.as_deref(),
        summary.client.as_deref(),
        summary.session_id.as_deref(),
        call.requested_model.as_deref(),
    ] {
        hash.update(part.unwrap_or_default());
        hash.update([0]);
    }
    for piece in model::dialect::apart_from_streaming(request)? {
        hash.update((piece.len() as u64).to_le_bytes());
        hash.update(piece);
    }
    Some(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use api::{Cost, CostSource, Timing, Usage, UsageSource};
    use uuid::Uuid;

    use super::*;

    const STREAMED: &[u8] =
        br#"{"model":"m","messages":[1],"stream":true,"stream_options":{"include_usage":true}}"#;
    const WHOLE: &[u8] = br#"{"model":"m","messages":[1]}"#;

    fn call(number: u128, started_ms: i64, state: CallState) -> CallDetail {
        CallDetail {
            summary: CallSummary {
                id: CallId::new(Uuid::from_u128(number)),
                started_ms,
                duration_us: Some(2_000_000),
                first_byte_us: None,
                first_token_us: None,
                state,
                provider: "anthropic".into(),
                operation: Operation::Chat,
                client: None,
                method: "POST".into(),
                path: "/v1/messages".into(),
                status: Some(200),
                model: None,
                title: None,
                streamed: false,
                usage: Usage::default(),
                usage_source: UsageSource::Unknown,
                cost: None,
                cost_source: CostSource::Unknown,
                equivalent: None,
                finish_reason: None,
                error: None,
                session_id: Some("s".into()),
                lineage: api::Lineage::default(),
                trace_id: None,
                parent_id: None,
                retry_of: None,
                replay_of: None,
                tags: Vec::new(),
                sources: vec![api::ReportSource::Proxy],
                in_trace: None,
            },
            upstream: String::new(),
            upstream_path: None,
            query: None,
            http_version: String::new(),
            requested_model: None,
            response_id: None,
            request_id: None,
            credential: None,
            request_headers: Vec::new(),
            response_headers: Vec::new(),
            request_body: api::BodyInfo::default(),
            response_body: api::BodyInfo::default(),
            cost: Cost::default(),
            timing: Timing::default(),
            translated: None,
            reports: Vec::new(),
        }
    }

    #[test]
    fn what_is_asked_again_after_a_failure_is_a_retry_streamed_or_not() {
        let mut earlier = Earlier::default();
        let broken = call(1, 10_000, CallState::Truncated);
        assert_eq!(earlier.retry_of(&broken, STREAMED), None);
        let again = call(2, 12_050, CallState::UpstreamError);
        assert_eq!(earlier.retry_of(&again, WHOLE), Some(broken.summary.id));
        let at_last = call(3, 15_000, CallState::Complete);
        assert_eq!(earlier.retry_of(&at_last, WHOLE), Some(again.summary.id), "the latest failure");
        let later = call(4, 20_000, CallState::Complete);
        assert_eq!(earlier.retry_of(&later, WHOLE), None, "that was answered");
    }

    #[test]
    fn another_request_session_or_time_is_no_retry() {
        let broken = || call(1, 10_000, CallState::Cancelled);
        let mut other = call(2, 13_000, CallState::Complete);
        other.summary.session_id = Some("t".into());
        let mut other_key = call(2, 13_000, CallState::Complete);
        other_key.credential = Some("k".into());
        let mut cut = call(2, 13_000, CallState::Complete);
        cut.request_body.cut = true;
        for (call, request) in [
            (call(2, 13_000, CallState::Complete), &br#"{"model":"m","messages":[1,2]}"#[..]),
            (call(2, 13_000, CallState::Complete), b"{\"model\":\"m\",\"messages\":[1"),
            (other, WHOLE),
            (other_key, WHOLE),
            (cut, WHOLE),
            // At the same time: the client cannot know yet.
            (call(2, 11_000, CallState::Complete), WHOLE),
            (call(2, 12_000 + WITHIN_MS, CallState::Complete), WHOLE),
        ] {
            let mut earlier = Earlier::default();
            earlier.retry_of(&broken(), STREAMED);
            assert_eq!(earlier.retry_of(&call, request), None, "{call:?}");
        }
    }

    #[test]
    fn what_is_remembered_is_bounded_and_used_once() {
        let mut earlier = Earlier::default();
        for number in 0..2_000_u32 {
            earlier.goes_on(&format!("resp_{number}"));
            let request = format!("{{\"n\":{number}}}");
            earlier.retry_of(&call(number.into(), 0, CallState::Unreachable), request.as_bytes());
        }
        assert!(earlier.failed.len() == MOST && earlier.background.len() == MOST);
        assert!(!earlier.ends("resp_0") && earlier.ends("resp_1999") && !earlier.ends("resp_1999"));
    }
}
