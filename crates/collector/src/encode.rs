//! The way back: an [`Export`] as an OTLP request, for whoever sends on what came in, and for showing that nothing is
//! lost on the way. Every field is written that differs from its default.

mod json;
mod protobuf;

use model::telemetry::wire::Export;

use crate::decode::Encoding;

/// Writes `Export{Trace,Logs,Metrics}ServiceRequest`.
pub fn encode(export: &Export, encoding: Encoding) -> Vec<u8> {
    match encoding {
        Encoding::Protobuf => protobuf::export(export),
        Encoding::Json => json::export(export).to_string().into_bytes(),
    }
}
