//! Every amount once more, by a separate ledger: `ledger/ledger.py` reads LiteLLM's table itself and works with decimal
//! arithmetic. It is handed the calls written by hand in `ledger/cases.json`, some of them as providers really answered
//! them, and ten thousand made ones, each with what the program says of it: they agree to the pico-dollar.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this is a test")]

#[path = "ledger/made.rs"]
mod made;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use api::{CostSource, Money, Operation, Usage};
use made::Made;
use model::dialect::{self, ByHeaders, Exchange};
use model::pricing::{BUILT_IN, Billable, Prices, Region, Sound, Units};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const HERE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/ledger");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/model_prices.json");
const GENERATED: usize = 10_000;
const SEED: u64 = 0x1122_2026;

/// A call as the ledger is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    provider: String,
    #[serde(default)]
    model: Option<String>,
    #[serde(default = "chat")]
    operation: Operation,
    #[serde(default)]
    at_ms: i64,
    #[serde(default = "well")]
    status: Option<u16>,
    #[serde(default)]
    usage: Usage,
    #[serde(default = "told")]
    usage_source: api::UsageSource,
    #[serde(default)]
    sound: Sound,
    #[serde(default)]
    units: Units,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_tier: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charged: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    inference_geo: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    speed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
    #[serde(default)]
    subscription: bool,
}

fn chat() -> Operation {
    Operation::Chat
}

fn told() -> api::UsageSource {
    api::UsageSource::Provider
}

fn well() -> Option<u16> {
    Some(200)
}

/// A call written by hand.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    call: Call,
    /// What it costs, worked out by hand.
    #[serde(default)]
    dollars: Option<String>,
    /// How the provider told of it: then the program has to read the call's figures from this.
    #[serde(default)]
    exchange: Option<Wire>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    path: String,
    #[serde(default)]
    request: Value,
    /// One JSON document, or the lines of a stream.
    answer: Value,
}

impl Call {
    fn cost(&self, prices: &Prices) -> Value {
        use api::UsageSource::{Estimated, Provider};
        let cost = prices.cost(&Billable {
            provider: &self.provider,
            model: self.model.as_deref(),
            operation: self.operation,
            at_ms: self.at_ms,
            status: self.status,
            usage: &self.usage,
            sound: self.sound,
            usage_final: self.usage_source == Provider,
            estimated: self.usage_source == Estimated,
            service_tier: self.service_tier.as_deref(),
            provider_cost: self.charged,
            units: self.units,
            inference_geo: self.inference_geo.as_deref(),
            speed: self.speed.as_deref(),
            region: self.region,
            subscription: self.subscription,
        });
        let buckets = cost.buckets.iter().map(|bucket| json!([bucket.bucket, bucket.tokens, bucket.cost]));
        json!({
            "total": cost.total, "source": cost.source, "equivalent": cost.equivalent, "saved": cost.saved,
            "key": cost.price_key, "matched": cost.matched, "buckets": buckets.collect::<Vec<_>>(),
        })
    }

    /// The same call with the figures that the program reads from what the provider answered.
    fn as_read(&self, wire: &Wire) -> Self {
        let (answer, kind) = match &wire.answer {
            Value::Array(lines) => {
                let lines: Vec<&str> = lines.iter().map(|line| line.as_str().unwrap()).collect();
                (lines.join("\n") + "\n\n", "text/event-stream")
            }
            document => (document.to_string(), "application/json"),
        };
        let request = wire.request.to_string();
        let exchange = Exchange {
            dialect: dialect::classify(&self.provider, "POST", &wire.path),
            provider: &self.provider,
            path: &wire.path,
            request: request.as_bytes(),
            response: answer.as_bytes(),
            status: self.status,
            content_type: Some(kind),
            by_headers: ByHeaders::default(),
        };
        let reading = dialect::read(&exchange);
        let usage = reading.estimated.unwrap_or(reading.usage);
        Self {
            model: reading.model.or(reading.requested_model),
            operation: exchange.dialect.operation(),
            usage,
            usage_source: match (reading.estimated.is_some(), usage.is_unknown(), reading.usage_final) {
                (true, ..) => api::UsageSource::Estimated,
                (_, true, _) => api::UsageSource::Unknown,
                (_, _, true) => api::UsageSource::Provider,
                (_, _, false) => api::UsageSource::Partial,
            },
            sound: reading.sound,
            units: reading.units,
            service_tier: reading.service_tier,
            charged: reading.provider_cost,
            inference_geo: reading.inference_geo,
            speed: reading.speed,
            ..self.clone()
        }
    }
}

#[test]
fn a_separate_ledger_agrees_to_the_pico_dollar() {
    let prices = Prices::new(BUILT_IN).unwrap();
    assert_eq!(std::fs::read(TABLE).unwrap(), BUILT_IN.first().unwrap().1, "the ledger reads the same table");
    let cases: Vec<Case> =
        serde_json::from_str(&std::fs::read_to_string(format!("{HERE}/cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let mut lines = Vec::new();
    for case in &cases {
        // The ledger is told the figures written by hand; the program has those it reads itself.
        let said = match &case.exchange {
            Some(wire) => case.call.as_read(wire),
            None => case.call.clone(),
        };
        let kind = if case.exchange.is_some() { "as answered" } else { "by hand" };
        lines.push(json!({"kind": kind, "name": case.name, "call": case.call, "said": said.cost(&prices), "dollars": case.dollars}));
    }
    let keys = prices.keys();
    let beside_tokens = |key: &&&str| {
        let rates = prices.history(key).into_iter().flat_map(|found| found.rates());
        rates.filter(|rate| !rate.name.starts_with("search_context")).any(|rate| !rate.of_tokens)
    };
    let special: Vec<&str> = keys.iter().filter(beside_tokens).copied().collect();
    let mut made = Made::new(SEED, &keys, &special);
    for number in 0..GENERATED {
        let call = made.call();
        lines.push(json!({"kind": "made", "name": format!("made {number}"), "call": call, "said": call.cost(&prices)}));
    }
    let (told, well) = ledger(&lines);
    println!("{told}");
    assert!(well, "{told}");
    let sums: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    let count = |kind: &str| sums["checked"][kind].as_u64().unwrap();
    assert_eq!(count("by hand") + count("as answered"), cases.len() as u64);
    assert_eq!(count("made"), GENERATED as u64);
    // What is not among them is not checked.
    for source in [
        CostSource::Provider,
        CostSource::Computed,
        CostSource::Partial,
        CostSource::Estimated,
        CostSource::Local,
        CostSource::NotBilled,
        CostSource::Subscription,
        CostSource::Unknown,
    ] {
        let source = serde_json::to_value(source).unwrap();
        assert!(sums["sources"][source.as_str().unwrap()].as_u64() > Some(0), "{source}");
    }
    let seen: BTreeMap<String, u64> = serde_json::from_value(sums["buckets"].clone()).unwrap();
    for bucket in [
        "input",
        "cache_read",
        "cache_write_5m",
        "cache_write_1h",
        "output",
        "reasoning",
        "audio_input",
        "audio_cache_read",
        "audio_output",
        "image_input",
        "image_cache_read",
        "image_output",
        "image",
        "audio_ms",
        "character",
        "page",
        "annotated_page",
        "query",
        "request",
        "web_search",
        "map_search",
    ] {
        assert!(seen.contains_key(bucket), "no call with {bucket}");
    }
}

/// What the ledger says, and whether everything agrees.
fn ledger(lines: &[Value]) -> (String, bool) {
    let mut command = Command::new("python3");
    command.arg(format!("{HERE}/ledger.py")).arg(TABLE).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| {
        panic!("the separate ledger is a Python script and python3 cannot be run ({error}): install python3")
    });
    let mut input = child.stdin.take().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let feeding = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap().unwrap();
    (String::from_utf8(output.stdout).unwrap(), output.status.success())
}
