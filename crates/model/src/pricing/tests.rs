//! The worked checks of the pricing rules, on the table that comes with the program.

use std::sync::LazyLock;

use super::*;

static TABLE: LazyLock<Prices> = LazyLock::new(|| Prices::new(BUILT_IN).unwrap());
const DATE: &str = BUILT_IN[0].0;

fn usage(input: u64, read: u64, write: u64, output: u64) -> Usage {
    Usage {
        input: Some(input),
        cache_read: Some(read),
        cache_write_5m: Some(write),
        output: Some(output),
        ..Usage::default()
    }
}

fn call<'a>(provider: &'a str, model: &'a str, usage: &'a Usage) -> Billable<'a> {
    Billable {
        provider,
        model: Some(model),
        operation: Operation::Chat,
        at_ms: 0,
        status: Some(200),
        usage,
        sound: Sound::default(),
        usage_final: true,
        estimated: false,
        service_tier: None,
        provider_cost: None,
        units: Units::default(),
        inference_geo: None,
        speed: None,
        region: None,
        subscription: false,
    }
}

fn pico(call: &Billable<'_>) -> Option<i64> {
    TABLE.cost(call).total.map(Money::pico)
}

#[test]
fn the_vendored_table_is_whole() {
    assert_eq!(TABLE.len(), 4552);
    assert_eq!(TABLE.date(), DATE);
    assert!(!TABLE.is_empty());
}

#[test]
fn worked_examples_come_out_to_the_pico_dollar() {
    let claude = usage(1_000, 100_000, 2_000, 500);
    assert_eq!(pico(&call("anthropic", "claude-sonnet-4-5", &claude)), Some(48_000_000_000));
    let gpt = usage(50_000, 250_000, 0, 1_000);
    assert_eq!(pico(&call("openai", "gpt-5.5", &gpt)), Some(795_000_000_000));
    let gemini = usage(6_000, 4_000, 0, 1_000);
    assert_eq!(pico(&call("gemini", "gemini-2.5-pro", &gemini)), Some(18_000_000_000));
    let stream = usage(12, 18_250, 900, 310);
    assert_eq!(pico(&call("anthropic", "claude-sonnet-4-5-20250929", &stream)), Some(13_536_000_000));
}

#[test]
fn the_cost_says_how_it_was_reached() {
    let used = usage(1_000, 0, 0, 500);
    let cost = TABLE.cost(&call("gemini", "models/gemini-2.5-pro", &used));
    assert_eq!(cost.price_key.as_deref(), Some("gemini/gemini-2.5-pro"));
    assert_eq!(cost.matched.as_deref(), Some("provider"));
    assert_eq!(cost.price_date.as_deref(), Some(DATE));
    assert_eq!(cost.source, CostSource::Computed);
    let shown: Vec<_> =
        cost.buckets.iter().map(|b| (b.bucket.as_str(), b.tokens, b.per_million.as_str())).collect();
    assert_eq!(shown, [("input", 1_000, "1.25"), ("output", 500, "10")]);
    assert_eq!(cost.total, Some(cost.buckets.iter().map(|bucket| bucket.cost).sum()));
}

#[test]
fn names_are_matched_exactly_or_by_a_written_rule() {
    for (provider, model, key, how) in [
        ("anthropic", "Claude-Sonnet-4-5", "claude-sonnet-4-5", "exact"),
        ("anthropic", "claude-sonnet-4-5[1m]", "claude-sonnet-4-5", "context_stripped"),
        (
            "openrouter",
            "anthropic/claude-sonnet-4.5",
            "claude-sonnet-4-5",
            "vendor_stripped+version_spelling",
        ),
        ("openrouter", "google/gemini-2.5-pro", "gemini/gemini-2.5-pro", "vendor_named"),
        ("openai", "gpt-4o-2099-01-01", "gpt-4o", "dated"),
        ("openai", "gpt-4o-latest", "gpt-4o", "dated"),
        ("together", "openai/gpt-oss-20b", "together_ai/openai/gpt-oss-20b", "provider"),
        ("perplexity", "sonar", "perplexity/sonar", "provider"),
        (
            "bedrock",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "exact",
        ),
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "exact",
        ),
        ("bedrock", "sa.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", "spread_stripped"),
        ("bedrock", "us-west-2/deepseek.v3.2", "bedrock/us-west-2/deepseek.v3.2", "provider"),
        ("azure", "gpt-4o-2024-08-06", "azure/gpt-4o-2024-08-06", "provider"),
    ] {
        let found = TABLE.find(provider, model, 0).map(|found| (found.key.to_lowercase(), found.matched));
        assert_eq!(found, Some((key.to_owned(), how.to_owned())), "{provider} {model}");
    }
    for model in ["gpt-4o-super", "gpt", "", "claude", "my-deployment", "sample_spec"] {
        assert!(TABLE.find("openai", model, 0).is_none(), "{model} must not be priced by a guess");
    }
}

#[test]
fn bedrocks_prices_go_by_its_ids_and_regions() {
    let host = |region: &str| format!("bedrock-runtime.{region}.amazonaws.com");
    let own = "arn:aws:bedrock:us-east-1:1:application-inference-profile/a1";
    for (requested, answered, region, name) in [
        (Some("deepseek.v3.2"), None, "us-west-2", Some("us-west-2/deepseek.v3.2")),
        (Some("eu.amazon.nova-lite-v1:0"), None, "eu-west-1", Some("eu.amazon.nova-lite-v1:0")),
        (
            Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
            Some("claude-sonnet-4-5-20250929"),
            "us-east-1",
            Some("us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ),
        (Some(own), Some("claude-sonnet-4-5-20250929"), "us-east-1", Some("claude-sonnet-4-5-20250929")),
        (Some(own), None, "us-east-1", None),
        (None, None, "us-east-1", None),
    ] {
        assert_eq!(
            priced_name(&TABLE, 0, requested, answered, &host(region)).as_deref(),
            name,
            "{requested:?}"
        );
    }
    let elsewhere = priced_name(&TABLE, 0, Some("deepseek.v3.2"), None, "127.0.0.1:9");
    assert_eq!(elsewhere.as_deref(), Some("deepseek.v3.2"));
}

#[test]
fn service_tiers_have_their_own_rates_and_fall_back() {
    let used = usage(1_000_000, 0, 0, 0);
    let small = usage(1_000, 0, 0, 0);
    let with = |tier, usage| pico(&Billable { service_tier: Some(tier), ..call("openai", "gpt-5.5", usage) });
    assert_eq!(with("default", &small), Some(5_000_000_000));
    assert_eq!(with("flex", &small), Some(2_500_000_000));
    assert_eq!(with("priority", &small), Some(12_500_000_000));
    assert_eq!(with("batch", &small), Some(2_500_000_000));
    assert_eq!(with("unheard-of", &small), Some(5_000_000_000));
    assert_eq!(with("batch", &used), Some(5_000_000_000_000), "the long-context price of the same class");
    let long = usage(200_001, 0, 0, 0);
    let table = Prices::new(&[("2000-01-01", SMALL.as_bytes())]).unwrap();
    let flex = |usage| table.cost(&Billable { service_tier: Some("flex"), ..call("", "m", usage) }).total;
    assert_eq!(flex(&small), Some(Money::from_pico(500_000_000)));
    assert_eq!(flex(&long), Some(Money::from_pico(200_001 * 10_000_000)), "no long flex price: the long one");
}

#[test]
fn sound_has_prices_of_its_own() {
    let used = usage(1_000, 500, 0, 300);
    let sound = Sound { input: 800, cache_read: 400, output: 200 };
    let spoken = Billable { sound, ..call("openai", "gpt-realtime", &used) };
    let cost = TABLE.cost(&spoken);
    let shown: Vec<_> =
        cost.buckets.iter().map(|b| (b.bucket.as_str(), b.tokens, b.per_million.as_str())).collect();
    let expected = [
        ("input", 200, "4"),
        ("cache_read", 100, "0.4"),
        ("output", 100, "16"),
        ("audio_input", 800, "32"),
        ("audio_cache_read", 400, "0.4"),
        ("audio_output", 200, "64"),
    ];
    assert_eq!(shown, expected);
    // 100 tokens of text at 4 less 0.4, 400 of sound at 32 less 0.4 dollars a million.
    assert_eq!(cost.saved, Some(Money::from_pico(100 * 3_600_000 + 400 * 31_600_000)));
    // Where sound has no price of its own, it costs what text costs.
    let plain = call("anthropic", "claude-sonnet-4-5", &used);
    assert_eq!(pico(&Billable { sound, ..plain }), pico(&plain));
}

#[test]
fn regions_and_speed_multiply_and_searches_are_added() {
    let used = usage(1_000, 0, 0, 0);
    let plain = call("anthropic", "claude-opus-4-6", &used);
    assert_eq!(pico(&plain), Some(5_000_000_000));
    assert_eq!(pico(&Billable { inference_geo: Some("us"), ..plain }), Some(5_500_000_000));
    assert_eq!(pico(&Billable { inference_geo: Some("global"), ..plain }), Some(5_000_000_000));
    let cost = TABLE.cost(&Billable { units: Units { web_searches: 2, ..Units::default() }, ..plain });
    assert_eq!(
        cost.buckets.last().map(|b| (b.bucket.as_str(), b.tokens, b.cost.pico())),
        Some(("web_search", 2, 20_000_000_000))
    );
}

#[test]
fn a_provider_that_says_its_price_is_believed() {
    let used = usage(1, 0, 0, 1);
    let call =
        Billable { provider_cost: Some(Money::from_pico(7)), ..call("openrouter", "nobody/knows", &used) };
    let cost = TABLE.cost(&call);
    assert_eq!((cost.total, cost.source), (Some(Money::from_pico(7)), CostSource::Provider));
}

#[test]
fn unknown_is_not_zero_and_free_is() {
    let used = usage(1, 0, 0, 1);
    let nothing = Usage::default();
    let source = |call: &Billable<'_>| (TABLE.cost(call).total, TABLE.cost(call).source);
    let plain = call("openai", "gpt-4o", &used);
    assert_eq!(source(&call("openai", "nobody-knows", &used)), (None, CostSource::Unknown));
    assert_eq!(source(&call("openai", "gpt-4o", &nothing)), (None, CostSource::Unknown));
    assert_eq!(source(&Billable { model: None, ..plain }), (None, CostSource::Unknown));
    assert_eq!(source(&call("ollama", "gpt-4o", &used)), (None, CostSource::Local));
    let free = (Some(Money::ZERO), CostSource::NotBilled);
    assert_eq!(source(&Billable { status: Some(429), ..plain }), free);
    assert_eq!(source(&Billable { operation: Operation::CountTokens, ..plain }), free);
    assert_eq!(source(&Billable { operation: Operation::Other, usage: &nothing, ..plain }), free);
    let partial = Billable { usage_final: false, ..plain };
    assert_eq!(source(&partial).1, CostSource::Partial);
    assert_eq!(source(&Billable { estimated: true, ..partial }).1, CostSource::Estimated);
    assert!(source(&partial).0.is_some());
}

#[test]
fn savings_are_what_the_cache_spared_less_what_writing_cost() {
    let saved = |call: &Billable<'_>| TABLE.cost(call).saved.map(Money::pico);
    // 100,000 read at $0.30 instead of $3 a million: $0.27. 2,000 written at $3.75: $0.0015 more than $3.
    let claude = usage(1_000, 100_000, 2_000, 500);
    assert_eq!(
        saved(&call("anthropic", "claude-sonnet-4-5", &claude)),
        Some(270_000_000_000 - 1_500_000_000)
    );
    // 1,000 written for an hour at $6 instead of $3, and never read: a loss.
    let hour = Usage { cache_write_1h: Some(1_000), output: Some(1), ..Usage::default() };
    assert_eq!(saved(&call("anthropic", "claude-sonnet-4-5", &hour)), Some(-3_000_000_000));
    // 4,000 read at $0.125 instead of $1.25.
    let gemini = usage(6_000, 4_000, 0, 1_000);
    assert_eq!(saved(&call("gemini", "gemini-2.5-pro", &gemini)), Some(4_500_000_000));
    // Where Anthropic runs the model in the US, every price is a tenth higher, and so is what is saved.
    let plain = usage(0, 1_000_000, 0, 0);
    let here = Billable { inference_geo: Some("us"), ..call("anthropic", "claude-opus-4-6", &plain) };
    let there = call("anthropic", "claude-opus-4-6", &plain);
    assert_eq!(saved(&here), saved(&there).map(|saved| saved / 10 * 11));
}

#[test]
fn savings_are_unknown_where_the_price_is_and_nothing_where_nothing_is_cached() {
    let saved = |call: &Billable<'_>| TABLE.cost(call).saved.map(Money::pico);
    let cached = usage(1, 5, 0, 1);
    let plain = usage(1, 0, 0, 1);
    let nothing = Usage::default();
    assert_eq!(saved(&call("openai", "nobody-knows", &cached)), None);
    assert_eq!(saved(&call("openai", "nobody-knows", &plain)), Some(0));
    assert_eq!(saved(&call("openai", "gpt-4o", &nothing)), None, "nobody said what was cached");
    assert_eq!(saved(&call("ollama", "gpt-4o", &cached)), Some(0), "it costs no money either way");
    let failed = Billable { status: Some(429), ..call("openai", "nobody-knows", &nothing) };
    assert_eq!(saved(&failed), Some(0));
    let charged = Billable { provider_cost: Some(Money::from_pico(7)), ..call("openai", "gpt-4o", &cached) };
    assert_eq!(saved(&charged), Some(5 * 1_250_000), "the table knows what the provider did not say");
}

const SMALL: &str = r#"{
    "sample_spec": {"input_cost_per_token": "text"},
    "m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "output_cost_per_reasoning_token": 3e-6,
          "cache_creation_input_token_cost": 4e-6, "input_cost_per_token_above_200k_tokens": 1e-5,
          "input_cost_per_token_flex": 5e-7, "odd": [{}]},
    "xai/x": {"litellm_provider": "xai", "input_cost_per_token": 1e-6, "input_cost_per_token_above_200k_tokens": 1e-5},
    "t": {"tiered_pricing": [{"range": [0, 32000.0], "input_cost_per_token": 1e-6, "output_cost_per_token": 0},
                             {"range": [32000.0, 64000.0], "input_cost_per_token": 2e-6, "output_cost_per_token": 0}]},
    "free": {"input_cost_per_token": 0, "output_cost_per_token": 0.0},
    "unpriced": {"mode": "chat"}
}"#;

fn small(provider: &str, model: &str, usage: &Usage) -> Option<i64> {
    let table = Prices::new(&[("2000-01-01", SMALL.as_bytes())]).unwrap();
    table.cost(&call(provider, model, usage)).total.map(Money::pico)
}

#[test]
fn missing_rates_are_stood_in_for() {
    let mut used = usage(0, 1_000, 0, 0);
    assert_eq!(small("", "m", &used), Some(1_000_000_000), "no cache price: the input's");
    used = Usage { cache_write_1h: Some(1_000), ..Usage::default() };
    assert_eq!(small("", "m", &used), Some(4_000_000_000), "no hour's price: the five minutes'");
    used = Usage { output: Some(1_000), reasoning: Some(400), ..Usage::default() };
    assert_eq!(small("", "m", &used), Some(600 * 2_000_000 + 400 * 3_000_000), "reasoning has its own price");
    assert_eq!(small("", "xai/x", &used), None, "an unknown price is not zero");
    assert_eq!(small("", "unpriced", &usage(0, 0, 0, 0)), None);
    assert_eq!(small("", "free", &usage(5, 5, 5, 5)), Some(0), "a price of zero is known");
}

#[test]
fn long_prompts_cross_thresholds_as_a_whole() {
    assert_eq!(small("", "m", &usage(200_000, 0, 0, 0)), Some(200_000 * 1_000_000));
    assert_eq!(
        small("", "m", &usage(200_000, 1, 0, 0)),
        Some(200_001 * 10_000_000),
        "the cached part counts too"
    );
    assert_eq!(
        small("xai", "x", &usage(200_000, 0, 0, 0)),
        Some(200_000 * 10_000_000),
        "xAI: from, not above"
    );
    assert_eq!(small("", "t", &usage(32_000, 0, 0, 9)), Some(32_000 * 1_000_000));
    assert_eq!(small("", "t", &usage(32_001, 0, 0, 9)), Some(32_001 * 2_000_000));
    assert_eq!(
        small("", "t", &usage(99_000, 0, 0, 9)),
        Some(99_000 * 2_000_000),
        "beyond the last range, the last"
    );
}

#[test]
fn a_broken_table_is_an_error() {
    for text in ["", "[]", "{\"m\":", "{} x", "{\"m\": 3}"] {
        assert!(PriceTable::parse(text.as_bytes(), "").is_err(), "{text}");
    }
}
