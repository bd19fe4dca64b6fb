//! Every field of the protocol, generated: what is written in one encoding is read the same in both, and
//! the official types read what we write and write what we read.

#[path = "round_trip/arbitrary.rs"]
mod arbitrary;

use arbitrary::any_export;
use collector::{Encoding, Signal, decode, encode, guess};
use model::telemetry::wire::{self, Export};
use opentelemetry_proto::tonic::collector::{
    logs::v1::ExportLogsServiceRequest, metrics::v1::ExportMetricsServiceRequest,
    trace::v1::ExportTraceServiceRequest,
};
use proptest::prelude::*;
use prost::Message;

const LIMIT: usize = 1 << 30;

fn signal(export: &Export) -> Signal {
    match export {
        Export::Traces(_) => Signal::Traces,
        Export::Logs(_) => Signal::Logs,
        Export::Metrics(_) => Signal::Metrics,
    }
}

/// To the bit: a `NaN` is equal to itself here.
fn stored(export: &Export) -> Vec<u8> {
    match export {
        Export::Traces(groups) => wire::encode(groups),
        Export::Logs(groups) => wire::encode(groups),
        Export::Metrics(groups) => wire::encode(groups),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_field_survives_both_encodings(export in any_export()) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let body = encode(&export, encoding);
            let decoded = decode(signal(&export), encoding, &body, LIMIT).unwrap();
            prop_assert_eq!(decoded.rejected, 0);
            prop_assert!(decoded.reasons.is_empty(), "{:?}", decoded.reasons);
            prop_assert_eq!(stored(&decoded.export), stored(&export), "{:?}", encoding);
            if !export.is_empty() {
                prop_assert_eq!(guess(encoding, &body), Some(signal(&export)), "{:?}", encoding);
            }
        }
    }

    #[test]
    fn the_official_types_know_every_field(export in any_export()) {
        let body = encode(&export, Encoding::Protobuf);
        let again = match signal(&export) {
            Signal::Traces => ExportTraceServiceRequest::decode(&*body).unwrap().encode_to_vec(),
            Signal::Logs => ExportLogsServiceRequest::decode(&*body).unwrap().encode_to_vec(),
            Signal::Metrics => ExportMetricsServiceRequest::decode(&*body).unwrap().encode_to_vec(),
        };
        let decoded = decode(signal(&export), Encoding::Protobuf, &again, LIMIT).unwrap();
        prop_assert_eq!(stored(&decoded.export), stored(&export));
    }

    #[test]
    fn a_body_cut_anywhere_is_refused_or_holds_less(export in any_export(), at in any::<prop::sample::Index>()) {
        for encoding in [Encoding::Protobuf, Encoding::Json] {
            let body = encode(&export, encoding);
            let cut = &body[..at.index(body.len() + 1)];
            if let Ok(decoded) = decode(signal(&export), encoding, cut, LIMIT) {
                prop_assert!(decoded.export.len() <= export.len());
            }
        }
    }
}
