//! Budgets over a store: what is added up follows every change of a call.

use api::{BudgetPer, Money};

use super::*;

#[test]
fn what_is_kept_added_up_goes_when_a_call_in_it_changes() {
    let past = |from_ms, to_ms| Past {
        what: Spending { of: BudgetOf::All, only: None, from_ms, to_ms },
        sums: HashMap::new(),
    };
    for (past, touched, changed) in [
        (past(Some(100), Some(200)), None, false),
        (past(Some(100), Some(200)), Some((0, 99)), false),
        (past(Some(100), Some(200)), Some((200, 300)), false),
        (past(Some(100), Some(200)), Some((0, 100)), true),
        (past(Some(100), Some(200)), Some((199, 300)), true),
        (past(None, Some(200)), Some((-5, -5)), true),
    ] {
        assert_eq!(is_changed(&past, touched), changed, "{touched:?}");
    }
}

#[test]
fn each_of_many_is_judged_by_itself_and_the_fullest_stand_first() {
    let spent = |dollars: &str| Spent { cost: Money::from_decimal(dollars).unwrap(), ..Spent::default() };
    let each = Budget {
        name: "x".into(),
        of: BudgetOf::Tag,
        amount: Money::from_decimal("10"),
        ..Budget::default()
    };
    let sums: HashMap<String, Spent> =
        (0..30).map(|number| (format!("t{number:02}"), spent(&number.to_string()))).collect();
    let period = Period { from_ms: None, to_ms: None };
    let status = status(&each, period, uses(&each, sums.clone()));
    assert_eq!((status.uses.len(), status.more, status.state), (LISTED, 10, BudgetState::Over));
    assert_eq!(status.uses[0].key.as_deref(), Some("t29"));
    let one = Budget { only: Some("t08".into()), ..each.clone() };
    let used = uses(&one, sums);
    assert_eq!((used.len(), used[0].state, used[0].left), (1, BudgetState::Near, Money::from_decimal("2")));
    let nothing = uses(&Budget { of: BudgetOf::All, per: BudgetPer::Ever, ..each }, HashMap::new());
    assert_eq!((nothing.len(), nothing[0].state), (1, BudgetState::Under), "nobody called yet");
}

#[tokio::test]
async fn a_store_that_cannot_be_read_refuses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("data.db")).await.unwrap().0;
    let text = "[[budgets]]\nname = 'none'\nusd = 0\nthen = 'refuse'";
    let settings: Settings = toml::from_str(text).unwrap();
    let keeper = Keeper {
        kept: Kept::default(),
        loops: Loops::default(),
        store: store.clone(),
        events: Events::new(),
        gate: Gate::default(),
        settings: Arc::new(RwLock::new(Arc::new(settings))),
    };
    let mut memory = Memory::default();
    keeper.look(&mut memory).await;
    assert_eq!(keeper.kept.list()[0].state, BudgetState::Over);
    assert!(keeper.gate.refuses_anything());
    store.close().await.unwrap();
    keeper.look(&mut memory).await;
    let shown = &keeper.kept.list()[0];
    assert_eq!(shown.state, BudgetState::Unknown);
    assert!(shown.problem.as_deref().unwrap().contains("Nothing is refused"), "{:?}", shown.problem);
    assert!(!keeper.gate.refuses_anything());
}
