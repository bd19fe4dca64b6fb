//! What is remembered of loops, and what is refused.

use model::dialect::Spoken;
use uuid::Uuid;

use super::*;

fn noted(conversation: &str, number: u128, arguments: &str) -> Noted {
    let part = |part| vec![api::Message { role: api::Role::User, parts: vec![part], cache_marker: false }];
    let spoken = Spoken {
        messages: part(api::Part::Text { text: "Mend it.".into() }),
        tools: Vec::new(),
        answer: part(api::Part::ToolCall { id: None, name: "bash".into(), arguments: arguments.into() }),
    };
    Noted {
        conversation: conversation.into(),
        session: Some(conversation.into()),
        step: model::repeat::step(&spoken).unwrap(),
        call: CallId::new(Uuid::from_u128(number)),
        client: Some("claude-code".into()),
        started_ms: 1_000 * i64::try_from(number).unwrap(),
        cost: Money::from_pico(1_000_000_000_000),
        equivalent: Money::ZERO,
    }
}

fn settings(action: &str) -> Settings {
    Settings { loop_action: action.into(), ..Settings::default() }
}

#[test]
fn a_loop_is_told_once_counted_on_and_over_when_something_else_is_done() {
    let (loops, warn) = (Loops::default(), settings("warn"));
    let same = |range: std::ops::Range<u128>| range.map(|number| noted("s", number, "{}")).collect();
    assert_eq!(loops.take(same(0..4), &warn), (false, Vec::new()));
    let (changed, news) = loops.take(same(4..5), &warn);
    assert!(changed && news.len() == 1, "{news:?}");
    assert_eq!(news[0].0, "claude-code goes in circles");
    for words in ["session s", "tool bash", "5 times in a row", "$5."] {
        assert!(news[0].1.contains(words), "{news:?}");
    }
    assert_eq!(loops.take(same(5..40), &warn), (true, Vec::new()), "once");
    let shown = loops.list(0).remove(0);
    assert_eq!((shown.times, shown.calls, shown.going_on), (40, 40, true));
    assert_eq!((shown.cost, shown.refused_until_ms), (Money::from_pico(40_000_000_000_000), None));
    assert_eq!(shown.first, CallId::new(Uuid::from_u128(0)));
    assert!(loops.take(vec![noted("s", 41, "[1]")], &warn).0);
    assert!(!loops.list(0)[0].going_on);
    loops.take(vec![noted("s", 42, "[2]"), noted("other", 43, "{}")], &warn);
    assert_eq!(loops.list(0).len(), 1);
}

#[test]
fn a_session_in_a_loop_is_refused_until_it_is_let_go_on_or_ten_minutes_later() {
    let (loops, refuse) = (Loops::default(), settings("refuse"));
    loops.take((0..5).map(|number| noted("s", number, "{}")).collect(), &refuse);
    let bars = loops.bars(&refuse);
    let bar = &bars.sessions["s"][0];
    assert_eq!(bar.until, Some(moment(4_000 + REFUSED_MS)));
    for words in ["the session s", "tool bash", "5 times", "loop_action", "http://localhost:3000/"] {
        assert!(bar.message.contains(words), "{}", bar.message);
    }
    assert!(loops.bars(&settings("warn")).sessions.is_empty(), "the settings hold at once");
    assert_eq!(loops.list(4_000)[0].refused_until_ms, Some(4_000 + REFUSED_MS));
    assert_eq!(loops.list(4_000 + REFUSED_MS)[0].refused_until_ms, None);
    assert!(loops.dismiss(CallId::new(Uuid::from_u128(4))));
    assert!(!loops.dismiss(CallId::new(Uuid::from_u128(4))));
    assert!(loops.bars(&refuse).sessions.is_empty());
    let (changed, _) = loops.take(vec![noted("s", 5, "{}")], &refuse);
    assert!(!changed, "it begins anew");
}

#[test]
fn what_is_remembered_is_bounded_and_off_means_nothing() {
    let loops = Loops::default();
    for number in 0..2_000 {
        loops.take(vec![noted(&number.to_string(), number, "{}")], &settings("warn"));
    }
    assert_eq!(loops.lock().conversations.len(), MOST);
    assert!(loops.lock().conversations.contains_key("1999"));
    loops.take((0..9).map(|number| noted("s", number, "{}")).collect(), &settings("off"));
    assert!(loops.lock().conversations.is_empty() && loops.list(0).is_empty());
}
