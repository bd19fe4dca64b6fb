//! Which price holds when.

use super::super::own::parse_own;
use super::*;

const FIRST: &[u8] = br#"{
    "m": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6, "input_cost_per_token_flex": 5e-7},
    "gone": {"input_cost_per_token": 9e-6},
    "m-2026-01-01": {"input_cost_per_token": 7e-6}
}"#;
const SECOND: &[u8] =
    br#"{"m": {"input_cost_per_token": 3e-6, "output_cost_per_token": 2e-6}, "late": {"input_cost_per_token": 4e-6}}"#;

fn day(text: &str) -> i64 {
    day_begins(text).unwrap()
}

fn prices() -> Prices {
    let mut prices = Prices::new(&[("2026-01-01", FIRST)]).unwrap();
    let second = PriceTable::parse(SECOND, "2026-06-01").unwrap();
    prices.add(second, day("2026-06-01"), PriceOrigin::Refreshed);
    prices
}

fn input(prices: &Prices, model: &str, at: &str) -> Option<(String, Option<String>, PriceOrigin)> {
    let found = prices.find("openai", model, day(at))?;
    let rates = found.rates();
    let rate = rates.iter().find(|rate| rate.name == "input_cost_per_token")?;
    Some((rate.each.clone(), found.valid_from, found.origin))
}

#[test]
fn a_call_is_priced_by_its_own_time() {
    let prices = prices();
    let built_in = |text: &str| Some((text.to_owned(), None, PriceOrigin::BuiltIn));
    let refreshed =
        |text: &str| Some((text.to_owned(), Some("2026-06-01".to_owned()), PriceOrigin::Refreshed));
    assert_eq!(input(&prices, "m", "2020-01-01"), built_in("1"), "the first table holds for all time before");
    assert_eq!(input(&prices, "m", "2026-05-31"), built_in("1"));
    assert_eq!(input(&prices, "m", "2026-06-01"), refreshed("3"));
    assert_eq!(input(&prices, "gone", "2026-07-01"), built_in("9"), "what a table leaves out stays known");
    assert_eq!(input(&prices, "late", "2020-01-01"), refreshed("4"), "the first price known of a new model");
    assert_eq!(prices.len(), 4);
    assert_eq!(prices.date(), "2026-06-01");
    assert_eq!(prices.version(), "table of 2026-06-01, 1 refresh");
    let history: Vec<_> = prices.history("M").into_iter().map(|found| found.valid_from).collect();
    assert_eq!(history, [Some("2026-06-01".to_owned()), None]);
}

#[test]
fn own_prices_hold_from_their_day_and_change_what_they_name() {
    let mut prices = prices();
    let own = r#"{"m": [{"input_cost_per_token": 8e-6, "valid_from": "2026-03-01"}],
                  "openai/other": {"input_cost_per_token": 6e-6}}"#;
    prices.set_own(parse_own(own).unwrap());
    assert_eq!(input(&prices, "m", "2026-02-28").unwrap().0, "1");
    let (each, from, origin) = input(&prices, "m", "2026-03-01").unwrap();
    assert_eq!((each.as_str(), from.as_deref(), origin), ("8", Some("2026-03-01"), PriceOrigin::Own));
    let found = prices.find("openai", "m", day("2026-04-01")).unwrap();
    let names: Vec<_> = found.rates().into_iter().map(|rate| (rate.name, rate.each)).collect();
    let expected =
        [("input_cost_per_token", "8"), ("input_cost_per_token_flex", "0.5"), ("output_cost_per_token", "2")];
    assert_eq!(names, expected.map(|(name, each)| (name.to_owned(), each.to_owned())));
    assert_eq!((found.key.as_str(), found.base_key.as_deref()), ("m", Some("m")));
    assert_eq!(
        input(&prices, "m-2026-01-01", "2026-04-01").unwrap().0,
        "7",
        "a spelling with an entry of its own"
    );
    assert_eq!(input(&prices, "m-2025-12-31", "2026-04-01").unwrap().0, "8", "a spelling without one");
    assert_eq!(input(&prices, "other", "2020-01-01").unwrap().0, "6");
    assert!(prices.find("groq", "other", 0).is_none(), "only that provider's");
    assert_eq!(prices.version(), "table of 2026-06-01, 1 refresh, 2 own prices");
}

#[test]
fn differences_are_new_changed_and_the_same() {
    let mut prices = Prices::new(&[("2026-01-01", FIRST)]).unwrap();
    let second = PriceTable::parse(SECOND, "2026-06-01").unwrap();
    let differences = prices.differences(&second);
    assert_eq!(
        (differences.new, differences.changed, differences.same),
        (vec!["late".into()], vec!["m".into()], 0)
    );
    prices.add(second, 0, PriceOrigin::Refreshed);
    let again = PriceTable::parse(SECOND, "2026-07-01").unwrap();
    assert_eq!(prices.differences(&again).same, 2);
    let some = only(SECOND, &["late".to_owned(), "nobody".to_owned()]).unwrap();
    assert_eq!(some, r#"{"late":{"input_cost_per_token": 4e-6}}"#);
}
