//! What is added up of calls: one list, from which come the triggers that keep the rollups, the sums over calls
//! themselves, and the check of one against the other. Leaves out when each is used (`rollup`, `window`).

use api::{BucketCosts, Money, Totals, Usage};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::StoreError;

/// A column of `rollup`, and what a call adds to it; `@` stands before a column of `call`. Never NULL.
const MEASURES: [(&str, &str); COUNT] = [
    ("calls", "1"),
    ("open", "@state = 'open'"),
    ("lost", "@state = 'lost'"),
    ("errors", "@failed"),
    ("turns", "@operation = 'chat'"),
    ("input", "coalesce(@input, 0)"),
    ("cache_read", "coalesce(@cache_read, 0)"),
    ("cache_write_5m", "coalesce(@cache_write_5m, 0)"),
    ("cache_write_1h", "coalesce(@cache_write_1h, 0)"),
    ("output", "coalesce(@output, 0)"),
    ("reasoning", "coalesce(@reasoning, 0)"),
    ("has_input", "@input IS NOT NULL"),
    ("has_cache_read", "@cache_read IS NOT NULL"),
    ("has_cache_write_5m", "@cache_write_5m IS NOT NULL"),
    ("has_cache_write_1h", "@cache_write_1h IS NOT NULL"),
    ("has_output", "@output IS NOT NULL"),
    ("has_reasoning", "@reasoning IS NOT NULL"),
    ("cost", "coalesce(@cost, 0)"),
    ("cost_input", "coalesce(@cost_input, 0)"),
    ("cost_cache_read", "coalesce(@cost_cache_read, 0)"),
    ("cost_cache_write_5m", "coalesce(@cost_cache_write_5m, 0)"),
    ("cost_cache_write_1h", "coalesce(@cost_cache_write_1h, 0)"),
    ("cost_output", "coalesce(@cost_output, 0)"),
    ("saved", "coalesce(@saved, 0)"),
    ("priced", "@state NOT IN ('open', 'lost') AND @cost_source != 'unknown'"),
    ("unpriced", "@state != 'open' AND @cost_source = 'unknown'"),
    ("partial", "@state != 'open' AND (@usage_source = 'partial' OR @cost_source = 'partial')"),
    ("estimated", "@state != 'open' AND @usage_source = 'estimated'"),
    (
        "not_fully_priced",
        "@state != 'open' AND (@cost_source IN ('unknown', 'partial') OR @usage_source IN ('partial', 'estimated'))",
    ),
    ("provider_priced", "@cost_source = 'provider'"),
    ("local", "@cost_source = 'local'"),
    ("saved_unknown", "@state != 'open' AND @saved IS NULL"),
    ("cut", "@cut"),
    (
        "whole",
        "@state NOT IN ('open', 'lost') AND @cost_source NOT IN ('unknown', 'partial') \
         AND @usage_source NOT IN ('partial', 'estimated') AND @cut = 0",
    ),
    ("proxied", "@sources & 1"),
    ("matched", "@sources & 1 AND @sources & ~1"),
    ("duration_us", "coalesce(@duration_us, 0)"),
    ("has_duration", "@duration_us IS NOT NULL"),
    ("first_token_us", "coalesce(@first_token_us, 0)"),
    ("has_first_token", "@first_token_us IS NOT NULL"),
    ("subscription", "@cost_source = 'subscription'"),
    ("equivalent", "coalesce(@equivalent, 0)"),
    ("reported", "@cost_source = 'reported'"),
    ("not_billed", "@cost_source = 'not_billed'"),
    (
        "subscription_tokens",
        "CASE WHEN @cost_source = 'subscription' THEN coalesce(@input, 0) + coalesce(@cache_read, 0) \
         + coalesce(@cache_write_5m, 0) + coalesce(@cache_write_1h, 0) + coalesce(@output, 0) ELSE 0 END",
    ),
];
/// How many there are.
pub(super) const COUNT: usize = 45;

/// What puts a call in its place in the rollups, before the measures.
const PLACE: [(&str, &str); 7] = [
    ("quarter", "@started_ms / 900000"),
    // 1 a side call, 2 a replay.
    ("side", "CASE WHEN @replay_of IS NOT NULL THEN 2 ELSE @operation = 'side_call' END"),
    ("provider", "@provider"),
    ("model", "@model"),
    ("client", "@client"),
    ("session", "@session_id"),
    ("tags", "@tags"),
];

/// A quarter of an hour; the same as in [`PLACE`].
pub(crate) const QUARTER_MS: i64 = 900_000;

/// What all this is made of in `call`: nothing else changes a sum.
const OF: &str = "started_ms, operation, replay_of, provider, model, client, session_id, tags, state, failed, input, cache_read, \
    cache_write_5m, cache_write_1h, output, reasoning, cost, cost_input, cost_cache_read, cost_cache_write_5m, \
    cost_cache_write_1h, cost_output, saved, cost_source, usage_source, cut, sources, duration_us, first_token_us, \
    equivalent";

/// The names of the measures, in the order of the columns.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    MEASURES.iter().map(|(name, _)| *name)
}

/// A digest of what is kept: rollups that were made by another are made again.
pub(super) fn meaning() -> i64 {
    let mut hasher = blake3::Hasher::new();
    for (name, expression) in PLACE.iter().chain(&MEASURES) {
        hasher.update(name.as_bytes()).update(b"=").update(expression.as_bytes()).update(b"\n");
    }
    let mut digest = [0; 8];
    hasher.finalize_xof().fill(&mut digest);
    i64::from_le_bytes(digest)
}

/// The place and the measures of a row, as columns of a SELECT; its columns stand after `prefix`.
pub(super) fn of_row(prefix: &str, sign: &str) -> String {
    let place =
        PLACE.iter().map(|(name, expression)| format!("{} AS {name}", expression.replace('@', prefix)));
    let measures = MEASURES
        .iter()
        .map(|(name, expression)| format!("{sign}({}) AS {name}", expression.replace('@', prefix)));
    place.chain(measures).collect::<Vec<_>>().join(", ")
}

/// What has each change of `call` noted in a table of the connection.
pub(super) fn triggers() -> String {
    let columns = PLACE.iter().chain(&MEASURES).map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let note = |row: &str, sign: &str| format!("INSERT INTO rollup_change SELECT {};", of_row(row, sign));
    let (gone, come) = (note("OLD.", "-"), note("NEW.", ""));
    format!(
        "CREATE TEMP TABLE rollup_change ({columns});
        CREATE TEMP TRIGGER rollup_insert AFTER INSERT ON main.call BEGIN {come} END;
        CREATE TEMP TRIGGER rollup_delete AFTER DELETE ON main.call BEGIN {gone} END;
        CREATE TEMP TRIGGER rollup_update AFTER UPDATE OF {OF} ON main.call BEGIN {gone} {come} END;"
    )
}

/// `, sum(…) AS …` for each measure: over rows of `call`, or of `rollup`.
pub(crate) fn push_sums(query: &mut QueryBuilder<Sqlite>, over: Over) {
    for (name, expression) in MEASURES {
        match over {
            Over::Calls => query.push(format_args!(", sum({}) AS {name}", expression.replace('@', "call."))),
            Over::Rollups => query.push(format_args!(", sum({name}) AS {name}")),
        };
    }
}

/// What is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The calls themselves.
    Calls,
    /// What they added up to before.
    Rollups,
}

/// Reads a row with [`push_sums`].
pub(crate) fn totals(row: &SqliteRow) -> Result<Totals, StoreError> {
    let sum = |column: &str| Ok::<_, StoreError>(row.try_get::<Option<i64>, _>(column)?.unwrap_or(0));
    let count = |column: &str| Ok::<_, StoreError>(sum(column)?.unsigned_abs());
    let tokens = |column: &str, has: &str| {
        let known = sum(has)? != 0;
        Ok::<_, StoreError>(if known { Some(count(column)?) } else { None })
    };
    let money = |column: &str| Ok::<_, StoreError>(Money::from_pico(sum(column)?));
    Ok(Totals {
        calls: count("calls")?,
        open: count("open")?,
        lost: count("lost")?,
        errors: count("errors")?,
        turns: count("turns")?,
        usage: Usage {
            input: tokens("input", "has_input")?,
            cache_read: tokens("cache_read", "has_cache_read")?,
            cache_write_5m: tokens("cache_write_5m", "has_cache_write_5m")?,
            cache_write_1h: tokens("cache_write_1h", "has_cache_write_1h")?,
            output: tokens("output", "has_output")?,
            reasoning: tokens("reasoning", "has_reasoning")?,
        },
        cost: money("cost")?,
        costs: BucketCosts {
            input: money("cost_input")?,
            cache_read: money("cost_cache_read")?,
            cache_write_5m: money("cost_cache_write_5m")?,
            cache_write_1h: money("cost_cache_write_1h")?,
            output: money("cost_output")?,
        },
        priced: count("priced")?,
        unpriced: count("unpriced")?,
        partial: count("partial")?,
        estimated: count("estimated")?,
        not_fully_priced: count("not_fully_priced")?,
        provider_priced: count("provider_priced")?,
        local: count("local")?,
        subscription: count("subscription")?,
        equivalent: money("equivalent")?,
        saved: money("saved")?,
        saved_unknown: count("saved_unknown")?,
        cut: count("cut")?,
        whole: count("whole")?,
        proxied: count("proxied")?,
        matched: count("matched")?,
        duration_us: count("duration_us")?,
        timed: count("has_duration")?,
        first_token_us: count("first_token_us")?,
        first_tokens: count("has_first_token")?,
    })
}
