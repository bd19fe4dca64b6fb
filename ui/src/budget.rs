//! Budgets and loops in words. Pure: leaves out where they are shown.

use api::{
    Budget, BudgetOf, BudgetPer, BudgetState, BudgetStatus, BudgetThen, BudgetUse, FoundLoop, LoopKind, Money,
};

use crate::format::{money, plural, thousands};

/// "each session, in all".
pub fn about(budget: &Budget) -> String {
    let what = match (budget.of, &budget.only) {
        (BudgetOf::All, _) => "all calls".to_owned(),
        (BudgetOf::Session, None) => "each session".to_owned(),
        (BudgetOf::Project, None) => "each project".to_owned(),
        (BudgetOf::Tag, None) => "each tag".to_owned(),
        (BudgetOf::Session, Some(id)) => format!("the session {id}"),
        (BudgetOf::Project, Some(name)) => format!("the project {name}"),
        (BudgetOf::Tag, Some(tag)) => format!("the tag {tag}"),
    };
    let per = match budget.per {
        BudgetPer::Day => "a day",
        BudgetPer::Week => "a week",
        BudgetPer::Month => "a month",
        BudgetPer::Ever => "in all",
    };
    let plans = if budget.subscription { ", subscriptions included at API prices" } else { "" };
    format!("{what}, {per}{plans}")
}

/// What happens when it is used up.
pub const fn then(then: BudgetThen) -> &'static str {
    match then {
        BudgetThen::Warn => "warns",
        BudgetThen::Notify => "warns, and notifies",
        BudgetThen::Refuse => "refuses calls",
    }
}

/// "$4.10 of $5.00 and 1,200 of 9,000 tokens".
pub fn used(budget: &Budget, one: &BudgetUse) -> String {
    let spent = &one.spent;
    let of_money = budget
        .amount
        .map(|amount| format!("{} of {}", money(spent.money(budget.subscription), 2), exact(amount)));
    let of_tokens = budget.tokens.map(|limit| {
        format!("{} of {} tokens", thousands(spent.counted_tokens(budget.subscription)), thousands(limit))
    });
    of_money.into_iter().chain(of_tokens).collect::<Vec<_>>().join(" and ")
}

/// An amount that somebody set: to the cent, or as exactly as it was set.
fn exact(amount: Money) -> String {
    let text = amount.to_decimal();
    match text.split_once('.') {
        None => format!("${text}.00"),
        Some((whole, cents)) if cents.len() == 1 => format!("${whole}.{cents}0"),
        Some(_) => format!("${text}"),
    }
}

/// Which sessions, projects or tags it is near or over for, and a sentence about each; the fullest first.
pub fn full(status: &BudgetStatus) -> Vec<(BudgetState, String)> {
    let budget = &status.budget;
    let near = status.uses.iter().filter(|one| one.state >= BudgetState::Near);
    let sentence = |one: &BudgetUse| {
        let over = one.state == BudgetState::Over;
        let of = one.key.as_ref().map(|key| format!(" for {key}")).unwrap_or_default();
        let verb = if over { "is used up" } else { "is nearly used up" };
        let refusing = match (over && budget.then == BudgetThen::Refuse, one.refused) {
            (false, _) => String::new(),
            (true, 0) => " Calls that cost something are refused.".to_owned(),
            (true, count) => format!(
                " Calls that cost something are refused, {} so far.",
                plural(count, "one of them", "of them")
            ),
        };
        (one.state, format!("Budget “{}”{of} {verb}: {}.{refusing}", budget.name, used(budget, one)))
    };
    near.map(sentence).collect()
}

/// "The tool Bash was called with the same arguments 5 times in a row, for $0.02".
pub fn looped(found: &FoundLoop) -> String {
    let times = found.times;
    let what = match (found.kind, &found.tool) {
        (LoopKind::Same, Some(tool)) => {
            format!(
                "{tool} was called with the same arguments, and the same came back, {times} times in a row"
            )
        }
        (LoopKind::SameToolCall, Some(tool)) => {
            format!("{tool} was called with the same arguments {times} times in a row")
        }
        (LoopKind::Same | LoopKind::SameToolCall, None) => {
            format!("the same was asked and answered {times} times in a row")
        }
        (LoopKind::Circle, Some(tool)) => {
            format!("the same few steps, {tool} among them, were made {times} times over")
        }
        (LoopKind::Circle, None) => format!("the same few steps were made {times} times over"),
    };
    let calls = plural(found.calls, "call", "calls");
    match (found.cost, found.equivalent) {
        (Money::ZERO, Money::ZERO) => format!("{what}: {calls}"),
        (Money::ZERO, worth) => format!("{what}: {calls} worth {} by the API", money(worth, 4)),
        (cost, _) => format!("{what}: {calls} for {}", money(cost, 4)),
    }
}

#[cfg(test)]
mod tests {
    use api::Spent;

    use super::*;

    fn budget() -> Budget {
        Budget { name: "daily".into(), amount: Money::from_decimal("5"), ..Budget::default() }
    }

    #[test]
    fn a_budget_is_told_in_words() {
        assert_eq!(about(&budget()), "all calls, a day");
        let shop = Budget {
            of: BudgetOf::Project,
            only: Some("shop".into()),
            per: BudgetPer::Month,
            subscription: true,
            ..budget()
        };
        assert_eq!(about(&shop), "the project shop, a month, subscriptions included at API prices");
        assert_eq!(exact(Money::from_decimal("12.5").unwrap()), "$12.50");
        assert_eq!(exact(Money::from_decimal("0.0005").unwrap()), "$0.0005");
    }

    #[test]
    fn what_is_near_or_over_is_said_and_what_is_under_is_not() {
        let of = |dollars: &str, state| BudgetUse {
            spent: Spent { cost: Money::from_decimal(dollars).unwrap(), ..Spent::default() },
            state,
            ..BudgetUse::default()
        };
        let over = BudgetUse { key: Some("s-1".into()), refused: 2, ..of("5.31", BudgetState::Over) };
        let uses = vec![over, of("4", BudgetState::Near), of("1", BudgetState::Under)];
        let refusing = Budget { then: BudgetThen::Refuse, ..budget() };
        let said = full(&BudgetStatus { budget: refusing, uses, ..BudgetStatus::default() });
        assert_eq!(said.len(), 2);
        assert!(
            said[0].1.starts_with("Budget “daily” for s-1 is used up: $5.31 of $5.00. Calls"),
            "{}",
            said[0].1
        );
        assert_eq!(said[1].1, "Budget “daily” is nearly used up: $4.00 of $5.00.");
    }
}
