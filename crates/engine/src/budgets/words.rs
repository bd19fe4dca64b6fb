//! What is said of a budget that is used up: to the client whose call is refused, and to its owner. Pure.

use api::{Budget, BudgetOf, BudgetPer, BudgetState, BudgetUse, Money};
use chrono::{DateTime, Local};

use super::period::Period;

const CENT: i64 = 10_000_000_000;

/// What a client is told instead of an answer.
pub(super) fn refused(budget: &Budget, one: &BudgetUse, period: Period, dashboard: u16) -> String {
    let place = match dashboard {
        0 => "LLMFlow's settings file".to_owned(),
        port => format!("LLMFlow's settings (http://localhost:{port}/settings)"),
    };
    let wait = period.to_ms.and_then(DateTime::from_timestamp_millis).map(|end| {
        format!(
            " Or wait: the next {} begins on {}.",
            noun(budget.per),
            end.with_timezone(&Local).format("%Y-%m-%d at %H:%M")
        )
    });
    format!(
        "LLMFlow did not send this call: the budget {:?}{} is used up, {}. Raise or remove it in {place}.{}",
        budget.name,
        about(budget, one),
        used(budget, one),
        wait.unwrap_or_default()
    )
}

/// What its owner is told: a few words, and a sentence.
pub(super) fn alert(budget: &Budget, one: &BudgetUse, _period: Period) -> (String, String) {
    let title = match one.state {
        BudgetState::Over => format!("Budget {:?} is used up", budget.name),
        _ => format!("Budget {:?} is nearly used up", budget.name),
    };
    let about = about(budget, one);
    let about = about.trim();
    let about =
        if about.is_empty() { String::new() } else { format!("{}: ", about.trim_start_matches("for ")) };
    (title, format!("{about}{}.", used(budget, one)))
}

fn about(budget: &Budget, one: &BudgetUse) -> String {
    let Some(key) = &one.key else { return String::new() };
    let what = match budget.of {
        BudgetOf::All => return String::new(),
        BudgetOf::Session => "session",
        BudgetOf::Project => "project",
        BudgetOf::Tag => "tag",
    };
    format!(" for the {what} {key}")
}

/// "$25.31 of $25.00 spent today".
fn used(budget: &Budget, one: &BudgetUse) -> String {
    let (money, tokens) =
        (one.spent.money(budget.subscription), one.spent.counted_tokens(budget.subscription));
    let of_money = budget.amount.map(|amount| format!("{} of {}", dollars(money), dollars(amount)));
    let of_tokens = budget.tokens.map(|limit| format!("{tokens} of {limit} tokens"));
    let both = of_money.into_iter().chain(of_tokens).collect::<Vec<_>>().join(" and ");
    let when = match budget.per {
        BudgetPer::Day => " today",
        BudgetPer::Week => " this week",
        BudgetPer::Month => " this month",
        BudgetPer::Ever => "",
    };
    format!("{both} spent{when}")
}

const fn noun(per: BudgetPer) -> &'static str {
    match per {
        BudgetPer::Week => "week",
        BudgetPer::Month => "month",
        BudgetPer::Day | BudgetPer::Ever => "day",
    }
}

/// Whole cents where that is all there is to say, else exactly.
fn dollars(amount: Money) -> String {
    match amount.pico() {
        pico if pico % CENT == 0 || pico >= 100 * CENT => {
            let cents = pico / CENT;
            format!("${}.{:02}", cents / 100, cents % 100)
        }
        _ => format!("${}", amount.to_decimal()),
    }
}

#[cfg(test)]
mod tests {
    use api::Spent;

    use super::*;

    #[test]
    fn a_refusal_names_the_budget_what_was_spent_and_the_remedy() {
        let budget = Budget {
            name: "daily".into(),
            amount: Money::from_decimal("25"),
            tokens: Some(7),
            ..Budget::default()
        };
        let spent = Spent { cost: Money::from_decimal("25.319").unwrap(), tokens: 9, ..Spent::default() };
        let one = model::budget::judge(&budget, None, spent);
        let said = refused(&budget, &one, Period { from_ms: Some(0), to_ms: Some(1_795_392_000_000) }, 3000);
        for words in [
            "the budget \"daily\" is used up, $25.31 of $25.00 and 9 of 7 tokens spent today.",
            "http://localhost:3000/settings",
            "the next day begins on 2026-11-",
        ] {
            assert!(said.contains(words), "{words:?} in {said}");
        }
        let each = Budget { of: BudgetOf::Session, per: BudgetPer::Ever, tokens: None, ..budget };
        let one = model::budget::judge(&each, Some("s-1".into()), spent);
        let said = refused(&each, &one, Period { from_ms: None, to_ms: None }, 0);
        assert!(said.contains(" for the session s-1 is used up, $25.31 of $25.00 spent. Raise"), "{said}");
        assert!(said.ends_with("LLMFlow's settings file."), "{said}");
        let (title, message) = alert(&each, &one, Period { from_ms: None, to_ms: None });
        assert_eq!(title, "Budget \"daily\" is used up");
        assert_eq!(message, "the session s-1: $25.31 of $25.00 spent.");
    }

    #[test]
    fn small_amounts_are_said_exactly() {
        for (text, said) in [("0.5", "$0.50"), ("0.0005", "$0.0005"), ("12.345", "$12.34"), ("0", "$0.00")] {
            assert_eq!(dollars(Money::from_decimal(text).unwrap()), said);
        }
    }
}
