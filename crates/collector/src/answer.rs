//! What a sender hears, in the encoding of its request: success, partial success with counts and reasons, or
//! `google.rpc.Status`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::decode::{Encoding, Signal};
use crate::problem::Problem;
use crate::wire_format::Writer;

/// What became of a request that could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Spans, records or points that are not kept.
    pub(crate) rejected: u64,
    /// Why, or what else the sender should know.
    pub(crate) message: String,
}

/// `Export<Signal>ServiceResponse`: empty when all went well.
pub(crate) fn success(outcome: &Outcome, signal: Signal, encoding: Encoding) -> Vec<u8> {
    let silent = outcome.rejected == 0 && outcome.message.is_empty();
    match encoding {
        Encoding::Protobuf => {
            let mut out = Writer::default();
            if !silent {
                out.message(1, |out| {
                    out.varint(1, outcome.rejected);
                    out.text(2, &outcome.message);
                });
            }
            out.into_bytes()
        }
        Encoding::Json if silent => b"{}".to_vec(),
        Encoding::Json => {
            let rejected = match signal {
                Signal::Traces => "rejectedSpans",
                Signal::Logs => "rejectedLogRecords",
                Signal::Metrics => "rejectedDataPoints",
            };
            json!({ "partialSuccess": { rejected: outcome.rejected.to_string(), "errorMessage": outcome.message } })
                .to_string()
                .into_bytes()
        }
    }
}

/// `google.rpc.Status`.
pub(crate) fn status(problem: &Problem, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => {
            let mut out = Writer::default();
            out.int32(1, problem.code());
            out.text(2, &problem.message());
            if let Some(after) = problem.retry_after() {
                out.message(3, |out| {
                    out.text(1, RETRY_INFO);
                    out.message(2, |out| {
                        out.message(1, |out| {
                            out.varint(1, after.as_secs());
                            out.varint(2, after.subsec_nanos().into());
                        });
                    });
                });
            }
            out.into_bytes()
        }
        Encoding::Json => {
            let mut status = json!({ "code": problem.code(), "message": problem.message() });
            if let (Some(after), Some(members)) = (problem.retry_after(), status.as_object_mut()) {
                let delay: Value = format!("{}s", after.as_secs_f64()).into();
                members.insert("details".to_owned(), json!([{ "@type": RETRY_INFO, "retryDelay": delay }]));
            }
            status.to_string().into_bytes()
        }
    }
}

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// `Retry-After`: whole seconds.
pub(crate) fn seconds(after: Duration) -> String {
    let whole = after.as_secs() + u64::from(after.subsec_nanos() > 0);
    whole.max(1).to_string()
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceResponse,
    };
    use prost::Message;

    use super::*;
    use crate::inbox::Refused;

    #[test]
    fn partial_success_is_the_officials() {
        assert!(success(&Outcome::default(), Signal::Traces, Encoding::Protobuf).is_empty());
        assert_eq!(success(&Outcome::default(), Signal::Traces, Encoding::Json), b"{}");
        let outcome = Outcome { rejected: 3, message: "why".to_owned() };
        let body = success(&outcome, Signal::Traces, Encoding::Protobuf);
        let partial = ExportTracePartialSuccess { rejected_spans: 3, error_message: "why".to_owned() };
        let wanted = ExportTraceServiceResponse { partial_success: Some(partial) };
        assert_eq!(ExportTraceServiceResponse::decode(&*body).unwrap(), wanted);
        for (signal, name) in [
            (Signal::Traces, "rejectedSpans"),
            (Signal::Logs, "rejectedLogRecords"),
            (Signal::Metrics, "rejectedDataPoints"),
        ] {
            let body: Value = serde_json::from_slice(&success(&outcome, signal, Encoding::Json)).unwrap();
            assert_eq!(body, json!({ "partialSuccess": { name: "3", "errorMessage": "why" } }));
        }
    }

    #[test]
    fn who_is_refused_hears_when_to_come_again() {
        let retry_after = Duration::from_millis(2500);
        let problem = Problem::Refused(Refused { reason: "full".to_owned(), retry_after });
        let body: Value = serde_json::from_slice(&status(&problem, Encoding::Json)).unwrap();
        assert_eq!((body["code"].as_i64(), body["message"].as_str()), (Some(14), Some("full")));
        assert_eq!(body["details"][0]["retryDelay"], "2.5s");
        assert_eq!(seconds(retry_after), "3");
        let body = status(&problem, Encoding::Protobuf);
        assert!(body.starts_with(b"\x08\x0e\x12\x04full\x1a"));
        assert!(body.ends_with(b"\x12\x0a\x0a\x08\x08\x02\x10\x80\xca\xb5\xee\x01"), "{body:x?}");
        assert!(body.windows(RETRY_INFO.len()).any(|window| window == RETRY_INFO.as_bytes()));
    }
}
