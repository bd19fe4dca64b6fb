//! A [`CallFilter`] as a WHERE clause with bound values.

use api::{CallFilter, Outcome};
use model::telemetry::ids;
use sqlx::{QueryBuilder, Sqlite};

use crate::search::Search;
use crate::telemetry::hex;
use crate::text::common::Recent;
use crate::text::find::Found;

const PARTIAL: &str = "(usage_source = 'partial' OR cost_source = 'partial')";
const ESTIMATED: &str = "usage_source = 'estimated'";
/// What tools do beside their calls of models; the words of the index `call_side`.
const SIDE: &str = "operation = 'side_call'";
/// What lists and sums are of: neither side calls nor replays.
pub(crate) const COUNTED: &str = "operation != 'side_call' AND replay_of IS NULL";

/// Whether a filter leaves any call out that lists show: what only adds side calls and replays does not, nor what says how
/// long to look, nor a text in which there is nothing to search for.
pub fn restricts(filter: &CallFilter) -> bool {
    let text = filter.text.clone().filter(|text| !Search::new(text).is_empty());
    CallFilter { text, so_far: false, side_calls: false, replays: false, ..filter.clone() }
        != CallFilter::default()
}

/// Appends ` WHERE …`; every condition that is given must hold. What the filter's text asks for was `found`.
pub(crate) fn push_where(query: &mut QueryBuilder<Sqlite>, filter: &CallFilter, found: Option<&Found>) {
    query.push(" WHERE 1");
    if found.is_some_and(|found| found.whole) {
        return push_found(query, found);
    }
    for (column, value) in [
        ("model", &filter.model),
        ("provider", &filter.provider),
        ("client", &filter.client),
        ("error_kind", &filter.error_kind),
    ] {
        push_text(query, column, value.as_deref());
    }
    push_trace(query, filter.trace_id.as_deref());
    push_session(query, filter);
    for (column, value) in [
        (" AND started_ms >= ", filter.from_ms),
        (" AND started_ms < ", filter.to_ms),
        (" AND cost >= ", filter.cost_min_pico),
        (" AND cost <= ", filter.cost_max_pico),
    ] {
        if let Some(value) = value {
            query.push(column).push_bind(value);
        }
    }
    match filter.outcome {
        Some(Outcome::Error) => drop(query.push(" AND failed = 1")),
        Some(Outcome::Success) => drop(query.push(" AND failed = 0 AND state != 'open'")),
        None => {}
    }
    if let Some(state) = filter.state {
        query.push(" AND state = ").push_bind(state.as_str());
    }
    if filter.operation == Some(api::Operation::SideCall) {
        // Written out, as the index `call_side` is asked for only by its own words.
        query.push(" AND ").push(SIDE);
    } else if let Some(operation) = filter.operation {
        query.push(" AND operation = ").push_bind(operation.as_str());
    } else if !filter.side_calls {
        query.push(" AND NOT ").push(SIDE);
    }
    match filter.replay_of {
        Some(of) => drop(query.push(" AND replay_of = ").push_bind(of.as_bytes().to_vec())),
        None if !filter.replays => drop(query.push(" AND replay_of IS NULL")),
        None => {}
    }
    push_money(query, filter);
    if let Some(status) = filter.status {
        query.push(" AND status = ").push_bind(status);
    }
    if let Some(has) = filter.first_token {
        query.push(if has { " AND first_token_us IS NOT NULL" } else { " AND first_token_us IS NULL" });
    }
    if let Some(cut) = filter.cut {
        query.push(" AND cut = ").push_bind(cut);
    }
    if let Some(proxied) = filter.proxied {
        query.push(if proxied { " AND sources & 1 != 0" } else { " AND sources & 1 = 0" });
    }
    if filter.tag.as_deref() == Some("") {
        query.push(" AND tags IS NULL");
    } else if let Some(tag) = &filter.tag {
        query
            .push(" AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ")
            .push_bind(tag.clone())
            .push(")");
    }
    push_found(query, found);
}

/// The same for a page of the newest, looked for among the `recent` first.
pub(crate) fn push_newest_where(
    query: &mut QueryBuilder<Sqlite>,
    filter: &CallFilter,
    found: Option<&Found>,
    recent: Option<&Recent>,
) {
    push_where(query, filter, found.filter(|_| recent.is_none()));
    if let Some(recent) = recent {
        recent.push(query);
    }
}

/// Calls whose headers named this trace, and those that stand in its tree: in words of the client's own or as an id, with
/// dashes and without.
fn push_trace(query: &mut QueryBuilder<Sqlite>, id: Option<&str>) {
    match id {
        Some("") => drop(query.push(" AND trace_id IS NULL AND trace IS NULL")),
        Some(id) => {
            let named = hex(&ids::trace_id(id));
            query.push(" AND (trace_id IN (").push_bind(id.to_owned()).push(", ").push_bind(named.clone());
            query
                .push(") OR trace = (SELECT key FROM trace WHERE trace.id = unhex(")
                .push_bind(named)
                .push(")))");
        }
        None => {}
    }
}

/// A client's id may stand for several sessions; a key is one.
fn push_session(query: &mut QueryBuilder<Sqlite>, filter: &CallFilter) {
    match filter.session_id.as_deref() {
        Some("") => drop(query.push(" AND session IS NULL")),
        Some(id) => {
            query.push(" AND session IN (SELECT key FROM session WHERE id = ");
            query.push_bind(id.to_owned()).push(")");
        }
        None => {}
    }
    if let Some(key) = filter.session {
        query.push(" AND session = ").push_bind(i64::try_from(key).unwrap_or(i64::MAX));
    }
}

/// What is empty stands for none.
fn push_text(query: &mut QueryBuilder<Sqlite>, column: &str, value: Option<&str>) {
    match value {
        Some("") => drop(query.push(" AND ").push(column).push(" IS NULL")),
        Some(value) => drop(query.push(" AND ").push(column).push(" = ").push_bind(value.to_owned())),
        None => {}
    }
}

/// How sure the cost and the tokens are; a call under way is neither sure nor unsure.
fn push_money(query: &mut QueryBuilder<Sqlite>, filter: &CallFilter) {
    for (wanted, holds) in [
        (filter.unpriced, "cost_source = 'unknown'"),
        (filter.partial, PARTIAL),
        (filter.estimated, ESTIMATED),
        (
            filter.not_fully_priced,
            "(cost_source = 'unknown' OR usage_source IN ('partial', 'estimated') OR cost_source = 'partial')",
        ),
    ] {
        if let Some(wanted) = wanted {
            query.push(if wanted { " AND " } else { " AND NOT " }).push(holds).push(" AND state != 'open'");
        }
    }
    if let Some(bucket) = filter.bucket {
        query.push(" AND ").push(bucket.as_str()).push(" > 0");
    }
}

/// The calls that were found, in the index of today and in the one that a former version filled.
fn push_found(query: &mut QueryBuilder<Sqlite>, found: Option<&Found>) {
    let Some(Found { search, words, absent_words, rows, absent, absent_from, .. }) = found else { return };
    if let Some(from) = absent_from {
        query.push(" AND seq >= ").push_bind(*from);
    }
    if let Some(absent) = absent {
        query.push(" AND seq NOT IN (SELECT value FROM json_each(").push_bind(absent.clone()).push("))");
    }
    if search.terms.is_empty() {
        if let Some(words) = absent_words {
            query.push(" AND seq NOT IN (SELECT rowid FROM call_words WHERE call_words MATCH ");
            query.push_bind(words.clone()).push(")");
        }
        return;
    }
    query.push(" AND seq IN (");
    match rows {
        Some(rows) => {
            query.push("SELECT value FROM json_each(").push_bind(rows.clone()).push(")");
        }
        None => {
            query.push("SELECT rowid FROM call_words WHERE call_words MATCH ");
            query.push_bind(words.clone().unwrap_or_default());
        }
    }
    if let Some(phrases) = search.of_phrases() {
        query.push(" UNION ALL SELECT rowid FROM call_text WHERE call_text MATCH ").push_bind(phrases);
    }
    query.push(")");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_leaves_no_call_out_restricts_nothing() {
        let blank = CallFilter { so_far: true, side_calls: true, replays: true, ..CallFilter::default() };
        assert!(!restricts(&CallFilter::default()) && !restricts(&blank));
        for (text, wanted) in [
            ("", false),
            (" ", false),
            ("\"", false),
            ("\"\" \0", false),
            ("-\"\"", false),
            ("a", true),
            ("-a", true),
            ("=>", true),
        ] {
            assert_eq!(
                restricts(&CallFilter { text: Some(text.into()), ..blank.clone() }),
                wanted,
                "{text:?}"
            );
        }
        assert!(restricts(&CallFilter { client: Some(String::new()), ..blank }), "those without a tool");
    }
}
