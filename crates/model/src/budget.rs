//! How far a budget is used up, in whole numbers. Pure. Leaves out adding up what was spent (`store`) and what happens
//! then (`engine`, `proxy`).

use api::{Budget, BudgetState, BudgetUse, Money, Spent};

/// From so many thousandths on a budget is nearly used up.
const NEAR: u64 = 800;
const ALL: u64 = 1_000;

/// How `budget` stands when `spent` was spent.
pub fn judge(budget: &Budget, key: Option<String>, spent: Spent) -> BudgetUse {
    let (money, tokens) = (spent.money(budget.subscription), spent.counted_tokens(budget.subscription));
    let of_money = budget.amount.map(|amount| share(i128::from(money.pico()), i128::from(amount.pico())));
    let of_tokens = budget.tokens.map(|limit| share(i128::from(tokens), i128::from(limit)));
    let thousandths = of_money.max(of_tokens).unwrap_or(0);
    let state = match thousandths {
        ALL.. => BudgetState::Over,
        NEAR.. => BudgetState::Near,
        _ => BudgetState::Under,
    };
    BudgetUse {
        key,
        spent,
        thousandths,
        state,
        left: budget.amount.map(|amount| amount.saturating_sub(money).max(Money::ZERO)),
        left_tokens: budget.tokens.map(|limit| limit.saturating_sub(tokens)),
        refused: 0,
    }
}

/// Thousandths, rounded down, so that a budget is used up when all of it is, and no pico-dollar earlier.
fn share(spent: i128, limit: i128) -> u64 {
    match (spent, limit) {
        (_, ..=0) => ALL,
        (..=0, _) => 0,
        (spent, limit) => u64::try_from(spent * i128::from(ALL) / limit).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(amount: Option<i64>, tokens: Option<u64>, subscription: bool) -> Budget {
        Budget { amount: amount.map(Money::from_pico), tokens, subscription, ..Budget::default() }
    }

    fn spent(cost: i64, equivalent: i64, tokens: u64, subscription_tokens: u64) -> Spent {
        let (cost, equivalent) = (Money::from_pico(cost), Money::from_pico(equivalent));
        Spent { cost, equivalent, tokens, subscription_tokens, ..Spent::default() }
    }

    #[test]
    fn at_80_percent_it_is_near_and_at_100_it_is_used_up_to_the_pico_dollar() {
        let of = |cost| judge(&budget(Some(1_000_000), None, false), None, spent(cost, 0, 0, 0)).state;
        assert_eq!(
            [0, 799_999, 800_000, 999_999, 1_000_000, i64::MAX].map(of),
            [
                BudgetState::Under,
                BudgetState::Under,
                BudgetState::Near,
                BudgetState::Near,
                BudgetState::Over,
                BudgetState::Over
            ]
        );
    }

    #[test]
    fn what_a_subscription_pays_for_counts_only_if_the_budget_says_so() {
        let spent = spent(10, 500, 1_000, 900);
        let apart = judge(&budget(Some(100), Some(1_000), false), None, spent);
        assert_eq!(
            (apart.state, apart.thousandths, apart.left),
            (BudgetState::Under, 100, Some(Money::from_pico(90)))
        );
        assert_eq!(apart.left_tokens, Some(900));
        let together = judge(&budget(Some(1_000), Some(10_000), true), None, spent);
        assert_eq!((together.thousandths, together.left), (510, Some(Money::from_pico(490))));
        assert_eq!(together.left_tokens, Some(9_000));
    }

    #[test]
    fn the_fuller_of_money_and_tokens_decides() {
        let both = |tokens| judge(&budget(Some(1_000), Some(100), false), None, spent(1, 0, tokens, 0)).state;
        assert_eq!([1, 80, 100].map(both), [BudgetState::Under, BudgetState::Near, BudgetState::Over]);
        let nothing = judge(&budget(Some(0), None, false), None, Spent::default());
        assert_eq!(nothing.state, BudgetState::Over, "nothing may be spent");
        let without = judge(&budget(None, None, false), None, spent(i64::MAX, 0, u64::MAX, 0));
        assert_eq!((without.state, without.left), (BudgetState::Under, None));
    }
}
