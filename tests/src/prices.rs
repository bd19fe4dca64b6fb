//! What a call must cost, from the vendored table and plain arithmetic: nothing of the product's pricing is used.

use std::sync::OnceLock;

use serde_json::Value;

use crate::mock::Tokens;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/model/data/model_prices.json");

/// Pico-dollars of one token by bucket.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Uncached input.
    pub input: i64,
    /// Input served from the cache.
    pub cache_read: i64,
    /// Input written to the cache for five minutes.
    pub cache_write_5m: i64,
    /// Input written to the cache for an hour.
    pub cache_write_1h: i64,
    /// Output.
    pub output: i64,
}

/// The rates of the table's entry `key`, which must price every bucket it names in whole pico-dollars.
pub fn rates(key: &str) -> Rates {
    let entry = table().get(key).unwrap_or_else(|| panic!("{key} is not in the price table"));
    let rate = |field: &str| entry.get(field).and_then(Value::as_f64).map(|dollars| whole(dollars * 1e12));
    let input = rate("input_cost_per_token").unwrap();
    let cache_write_5m = rate("cache_creation_input_token_cost").unwrap_or(input);
    Rates {
        input,
        cache_read: rate("cache_read_input_token_cost").unwrap_or(input),
        cache_write_5m,
        cache_write_1h: rate("cache_creation_input_token_cost_above_1hr").unwrap_or(cache_write_5m),
        output: rate("output_cost_per_token").unwrap(),
    }
}

/// Whether the table has an entry `key`.
pub fn is_priced(key: &str) -> bool {
    table().get(key).is_some()
}

fn table() -> &'static Value {
    static PARSED: OnceLock<Value> = OnceLock::new();
    PARSED.get_or_init(|| serde_json::from_str(&std::fs::read_to_string(TABLE).unwrap()).unwrap())
}

#[expect(clippy::cast_possible_truncation, reason = "rates are far below the limit")]
fn whole(pico: f64) -> i64 {
    assert!((pico - pico.round()).abs() < 1e-3, "choose a model whose rates are whole pico-dollars");
    pico.round() as i64
}

impl Rates {
    /// What so many tokens cost, in pico-dollars.
    pub fn cost(&self, tokens: &Tokens) -> i64 {
        let times = |count: u64, rate: i64| i64::try_from(count).unwrap() * rate;
        times(tokens.input, self.input)
            + times(tokens.cache_read, self.cache_read)
            + times(tokens.cache_write_5m, self.cache_write_5m)
            + times(tokens.cache_write_1h, self.cache_write_1h)
            + times(tokens.output, self.output)
    }
}
