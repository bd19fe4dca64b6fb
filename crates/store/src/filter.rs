//! A [`CallFilter`] as a WHERE clause with bound values.

use api::{CallFilter, Outcome};
use sqlx::{QueryBuilder, Sqlite};

/// Appends ` WHERE …`; every condition that is given must hold.
pub(crate) fn push_where(query: &mut QueryBuilder<Sqlite>, filter: &CallFilter) {
    query.push(" WHERE 1");
    for (column, value) in [
        (" AND model = ", &filter.model),
        (" AND provider = ", &filter.provider),
        (" AND client = ", &filter.client),
        (" AND session_id = ", &filter.session_id),
        (" AND trace_id = ", &filter.trace_id),
    ] {
        if let Some(value) = value {
            query.push(column).push_bind(value.clone());
        }
    }
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
    if let Some(operation) = filter.operation {
        query.push(" AND operation = ").push_bind(operation.as_str());
    }
    if let Some(unpriced) = filter.unpriced {
        query.push(if unpriced { " AND cost_source = 'unknown'" } else { " AND cost_source != 'unknown'" });
        query.push(" AND state != 'open'");
    }
    if let Some(tag) = &filter.tag {
        query
            .push(" AND EXISTS (SELECT 1 FROM json_each(tags) WHERE value = ")
            .push_bind(tag.clone())
            .push(")");
    }
    if let Some(text) = filter.text.as_deref().and_then(match_expression) {
        query
            .push(" AND seq IN (SELECT rowid FROM call_text WHERE call_text MATCH ")
            .push_bind(text)
            .push(")");
    }
}

/// Every word must occur, as a word or the beginning of one; what stands in quotes must occur as a phrase.
/// `None` when nothing is left to search for.
fn match_expression(text: &str) -> Option<String> {
    let text = text.replace(char::is_control, " ");
    let mut terms = Vec::new();
    for (index, piece) in text.split('"').enumerate() {
        if index % 2 == 1 {
            terms.extend(searchable(piece).then(|| format!("\"{piece}\"")));
        } else {
            terms.extend(
                piece.split_whitespace().filter(|word| searchable(word)).map(|word| format!("\"{word}\"*")),
            );
        }
    }
    (!terms.is_empty()).then(|| terms.join(" AND "))
}

fn searchable(piece: &str) -> bool {
    piece.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::match_expression;

    #[test]
    fn words_phrases_and_nothing() {
        assert_eq!(match_expression("flaky  retry.rs").unwrap(), "\"flaky\"* AND \"retry.rs\"*");
        assert_eq!(
            match_expression("say \"hello there\" now").unwrap(),
            "\"say\"* AND \"hello there\" AND \"now\"*"
        );
        assert_eq!(match_expression("a\" OR 1").unwrap(), "\"a\"* AND \" OR 1\"");
        assert_eq!(match_expression(" \" - \" * "), None);
        assert_eq!(match_expression("a\0b").unwrap(), "\"a\"* AND \"b\"*");
    }
}
