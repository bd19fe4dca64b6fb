//! OTLP as JSON, read straight into the wire types, as liberally as senders write it: names in camel and snake case,
//! numbers as texts, enums by name, ids in any case (or as base64, which protobuf's own JSON writers send), what is
//! unknown or of a wrong type passed over.
//!
//! A reader of our own, since half a surrogate pair, which JavaScript writes when it cuts a text in the middle of an
//! emoji, and a bare `NaN`, which Python writes, make others refuse the whole batch. Leaves out JSON itself (`reader`).

mod common;
mod log;
mod metric;
pub(crate) mod reader;
mod scalar;
mod trace;

use model::telemetry::wire::{Export, Origin, Resource};

use crate::decode::{Group, Intake, Signal, Unreadable};
use reader::Reader;

/// Reads `Export{Trace,Logs,Metrics}ServiceRequest`.
pub(crate) fn export(signal: Signal, body: &[u8], intake: &mut Intake) -> Result<Export, Unreadable> {
    let mut json = Reader::new(body);
    let export = match signal {
        Signal::Traces => Export::Traces(envelopes(&mut json, intake, &TRACES, trace::span)?),
        Signal::Logs => Export::Logs(envelopes(&mut json, intake, &LOGS, log::record)?),
        Signal::Metrics => Export::Metrics(envelopes(&mut json, intake, &METRICS, metric::metric)?),
    };
    json.end()?;
    Ok(export)
}

/// What a signal's envelopes are called.
struct Names {
    resources: [&'static str; 2],
    scopes: [&'static str; 2],
    records: [&'static str; 2],
}

const TRACES: Names = Names {
    resources: ["resourceSpans", "resource_spans"],
    scopes: ["scopeSpans", "scope_spans"],
    records: ["spans", "spans"],
};
const LOGS: Names = Names {
    resources: ["resourceLogs", "resource_logs"],
    scopes: ["scopeLogs", "scope_logs"],
    records: ["logRecords", "log_records"],
};
const METRICS: Names = Names {
    resources: ["resourceMetrics", "resource_metrics"],
    scopes: ["scopeMetrics", "scope_metrics"],
    records: ["metrics", "metrics"],
};

type Read<T> = fn(&mut Reader<'_>, &mut Intake) -> Result<Option<T>, Unreadable>;

fn envelopes<T>(
    json: &mut Reader<'_>,
    intake: &mut Intake,
    names: &Names,
    read: Read<T>,
) -> Result<Vec<(Origin, Vec<T>)>, Unreadable> {
    let mut all = Vec::new();
    json.whole_object(|json, key| {
        if !names.resources.contains(&key) {
            return json.skip();
        }
        json.list(|json| {
            let (mut resource, mut bytes, mut groups) = (Resource::default(), 0, Vec::new());
            json.object(|json, key| match key {
                "resource" => {
                    let before = json.position();
                    common::resource(json, &mut resource, intake)?;
                    bytes += json.position() - before;
                    Ok(())
                }
                "schemaUrl" | "schema_url" => json.string(&mut resource.schema_url),
                key if names.scopes.contains(&key) => json.list(|json| {
                    groups.push(group(json, intake, names, read)?);
                    Ok(())
                }),
                _ => json.skip(),
            })?;
            intake.gather(resource, bytes, groups, &mut all)
        })
    })?;
    Ok(all)
}

fn group<T>(
    json: &mut Reader<'_>,
    intake: &mut Intake,
    names: &Names,
    read: Read<T>,
) -> Result<Group<T>, Unreadable> {
    intake.pay::<Group<T>>()?;
    let mut group = Group::default();
    json.object(|json, key| match key {
        "scope" => common::scope(json, &mut group.scope, intake),
        "schemaUrl" | "schema_url" => json.string(&mut group.scope.schema_url),
        key if names.records.contains(&key) => json.list(|json| {
            if let Some(record) = read(json, intake)? {
                intake.pay::<T>()?;
                group.records.push(record);
            }
            Ok(())
        }),
        _ => json.skip(),
    })?;
    Ok(group)
}

/// Which signal it is, by the names of the outermost object.
pub(crate) fn guess(body: &[u8]) -> Option<Signal> {
    let mut found = None;
    // What is wrong with it is told when it is read.
    let _read = Reader::new(body).whole_object(|json, key| {
        let signal = [(Signal::Traces, &TRACES), (Signal::Logs, &LOGS), (Signal::Metrics, &METRICS)]
            .into_iter()
            .find(|(_, names)| names.resources.contains(&key));
        found = found.or(signal.map(|(signal, _)| signal));
        json.skip()
    });
    found
}
