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
    // Rounded down, also before 1970, where SQLite rounds up.
    ("quarter", "@started_ms / 900000 - (@started_ms % 900000 < 0)"),
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

/// What some calls add up to: the numbers behind [`Totals`], which can be added and taken away again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Measures([i64; COUNT]);

impl Measures {
    /// Reads a row with [`push_sums`] after `before` other columns.
    pub(crate) fn read(row: &SqliteRow, before: usize) -> Result<Self, StoreError> {
        let mut measures = [0; COUNT];
        // By number: a name would be looked up again in each row.
        for (index, measure) in measures.iter_mut().enumerate() {
            *measure = row.try_get::<Option<i64>, _>(before + index)?.unwrap_or_default();
        }
        Ok(Self(measures))
    }

    pub(crate) const NONE: Self = Self([0; COUNT]);

    pub(crate) fn add(&mut self, other: &Self) {
        for (sum, measure) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.saturating_add(*measure);
        }
    }

    /// Takes away what was added.
    pub(crate) fn take_away(&mut self, part: &Self) {
        for (sum, measure) in self.0.iter_mut().zip(&part.0) {
            *sum = sum.saturating_sub(*measure);
        }
    }

    pub(crate) fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::NONE;
        all.into_iter().for_each(|one| sum.add(one));
        sum
    }

    pub(crate) const fn calls(&self) -> i64 {
        self.0[const { at("calls") }]
    }

    /// In pico-dollars.
    pub(crate) const fn cost(&self) -> i64 {
        self.0[const { at("cost") }]
    }

    pub(crate) fn totals(&self) -> Totals {
        /// The places are known when this is compiled.
        macro_rules! of {
            ($name:literal) => {
                self.0[const { at($name) }]
            };
        }
        let count = i64::unsigned_abs;
        let tokens = |sum: i64, known: i64| (known != 0).then(|| count(sum));
        let money = Money::from_pico;
        Totals {
            calls: count(of!("calls")),
            open: count(of!("open")),
            lost: count(of!("lost")),
            errors: count(of!("errors")),
            turns: count(of!("turns")),
            usage: Usage {
                input: tokens(of!("input"), of!("has_input")),
                cache_read: tokens(of!("cache_read"), of!("has_cache_read")),
                cache_write_5m: tokens(of!("cache_write_5m"), of!("has_cache_write_5m")),
                cache_write_1h: tokens(of!("cache_write_1h"), of!("has_cache_write_1h")),
                output: tokens(of!("output"), of!("has_output")),
                reasoning: tokens(of!("reasoning"), of!("has_reasoning")),
            },
            cost: money(of!("cost")),
            costs: BucketCosts {
                input: money(of!("cost_input")),
                cache_read: money(of!("cost_cache_read")),
                cache_write_5m: money(of!("cost_cache_write_5m")),
                cache_write_1h: money(of!("cost_cache_write_1h")),
                output: money(of!("cost_output")),
            },
            priced: count(of!("priced")),
            unpriced: count(of!("unpriced")),
            partial: count(of!("partial")),
            estimated: count(of!("estimated")),
            not_fully_priced: count(of!("not_fully_priced")),
            provider_priced: count(of!("provider_priced")),
            local: count(of!("local")),
            subscription: count(of!("subscription")),
            equivalent: money(of!("equivalent")),
            saved: money(of!("saved")),
            saved_unknown: count(of!("saved_unknown")),
            cut: count(of!("cut")),
            whole: count(of!("whole")),
            proxied: count(of!("proxied")),
            matched: count(of!("matched")),
            duration_us: count(of!("duration_us")),
            timed: count(of!("has_duration")),
            first_token_us: count(of!("first_token_us")),
            first_tokens: count(of!("has_first_token")),
        }
    }
}

/// Where a measure stands; beyond the last when there is none of that name, which does not compile.
const fn at(name: &str) -> usize {
    let mut at = 0;
    while at < COUNT {
        if same(MEASURES[at].0, name) {
            return at;
        }
        at += 1;
    }
    COUNT
}

const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut index = 0;
    while index < one.len() {
        if one[index] != other[index] {
            return false;
        }
        index += 1;
    }
    true
}
