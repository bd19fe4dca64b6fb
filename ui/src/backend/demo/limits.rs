//! Invented budgets. They can be added, changed and removed; what is spent is what the invented calls cost.

use std::collections::BTreeMap;

use api::{
    ApiError, Budget, BudgetOf, BudgetPer, BudgetState, BudgetStatus, BudgetThen, BudgetUse, Budgets,
    CallDetail, ErrorKind, FoundLoop, LoopKind, Money, Reply, Request, Spent,
};

use crate::browser::midnight;

/// Uses that are listed of a budget that counts each session or tag by itself.
const SHOWN: usize = 20;

pub(super) struct Limits {
    budgets: Vec<Budget>,
    dismissed: bool,
}

impl Limits {
    /// None in a world without calls.
    pub(super) fn make(word: &str) -> Self {
        let dollars = |text: &str| Money::from_decimal(text);
        let budgets = match word {
            "0" => Vec::new(),
            _ => vec![
                Budget {
                    name: "daily".into(),
                    amount: dollars("25"),
                    then: BudgetThen::Notify,
                    ..Budget::default()
                },
                Budget {
                    name: "one session".into(),
                    of: BudgetOf::Session,
                    per: BudgetPer::Ever,
                    amount: dollars("2.50"),
                    then: BudgetThen::Refuse,
                    ..Budget::default()
                },
                Budget {
                    name: "tokens a month".into(),
                    per: BudgetPer::Month,
                    tokens: Some(2_000_000_000),
                    ..Budget::default()
                },
            ],
        };
        Self { budgets, dismissed: false }
    }

    /// The answer to a question about budgets; `None` to any other.
    pub(super) fn answer(
        &mut self,
        details: &[CallDetail],
        now_ms: i64,
        request: &Request,
    ) -> Option<Result<Reply, ApiError>> {
        let changed = match request {
            Request::GetBudgets => Ok(()),
            Request::SetBudget { budget, replaces } => self.set(budget, replaces.as_deref()),
            Request::RemoveBudget { name } => {
                self.budgets.retain(|budget| budget.name != *name);
                Ok(())
            }
            Request::DismissLoop { .. } => {
                self.dismissed = true;
                Ok(())
            }
            _ => return None,
        };
        Some(changed.map(|()| {
            let budgets = self.budgets.iter().map(|budget| status(budget, details, now_ms)).collect();
            let loops = found(details).into_iter().filter(|_| !self.dismissed).collect();
            Reply::Budgets(Box::new(Budgets { budgets, loops }))
        }))
    }

    fn set(&mut self, budget: &Budget, replaces: Option<&str>) -> Result<(), ApiError> {
        let refuse = |text: &str| Err(ApiError::parameter("budget", text));
        if budget.name.trim().is_empty() {
            return refuse("A budget has a name.");
        }
        if budget.amount.is_none() && budget.tokens.is_none() {
            return refuse("A budget limits dollars, tokens or both.");
        }
        let other = |one: &&Budget| one.name == budget.name && Some(one.name.as_str()) != replaces;
        if self.budgets.iter().any(|one| other(&one)) {
            return refuse("There is a budget of this name already.");
        }
        match replaces {
            None => self.budgets.push(budget.clone()),
            Some(name) => {
                let missing = || ApiError::new(ErrorKind::NotFound, "There is no such budget.");
                *self.budgets.iter_mut().find(|one| one.name == name).ok_or_else(missing)? = budget.clone();
            }
        }
        Ok(())
    }
}

fn status(budget: &Budget, details: &[CallDetail], now_ms: i64) -> BudgetStatus {
    let days = match budget.per {
        BudgetPer::Day => Some(0),
        BudgetPer::Week => Some(-6),
        BudgetPer::Month => Some(-29),
        BudgetPer::Ever => None,
    };
    let from_ms = days.map(|days| midnight(now_ms, days));
    let mut spent = BTreeMap::<Option<String>, Spent>::new();
    for call in details.iter().map(|call| &call.summary) {
        let key = match budget.of {
            BudgetOf::All => None,
            BudgetOf::Session => call.session_id.clone(),
            BudgetOf::Tag => call.tags.first().cloned(),
            BudgetOf::Project => {
                call.tags.iter().find_map(|tag| tag.strip_prefix("project:")).map(Into::into)
            }
        };
        let is_of_one = budget.of == BudgetOf::All || key.is_some();
        let is_wanted = budget.only.is_none() || budget.only == key;
        if !is_of_one || !is_wanted || from_ms.is_some_and(|from| call.started_ms < from) {
            continue;
        }
        let sum = spent.entry(key).or_default();
        sum.calls += 1;
        sum.tokens += call.usage.total().unwrap_or(0);
        sum.cost = sum.cost.saturating_add(call.cost.unwrap_or_default());
        sum.unpriced += u64::from(super::matching::unpriced(call));
    }
    let mut uses: Vec<BudgetUse> =
        spent.into_iter().map(|(key, spent)| one_use(budget, key, spent)).collect();
    uses.sort_by_key(|one| std::cmp::Reverse(one.thousandths));
    let more = uses.len().saturating_sub(SHOWN) as u64;
    uses.truncate(SHOWN);
    let state = uses.first().map(|one| one.state).unwrap_or_default();
    BudgetStatus { budget: budget.clone(), from_ms, to_ms: None, state, uses, more, problem: None }
}

fn one_use(budget: &Budget, key: Option<String>, spent: Spent) -> BudgetUse {
    let part = |used: u64, limit: u64| used.saturating_mul(1_000) / limit.max(1);
    let of_money = budget.amount.map_or(0, |amount| {
        part(spent.cost.pico().unsigned_abs() / 1_000, amount.pico().unsigned_abs() / 1_000)
    });
    let thousandths = budget.tokens.map_or(0, |limit| part(spent.tokens, limit)).max(of_money);
    let state = match thousandths {
        ..800 => BudgetState::Under,
        800..1_000 => BudgetState::Near,
        _ => BudgetState::Over,
    };
    BudgetUse { key, spent, thousandths, state, ..BudgetUse::default() }
}

/// The tool of the third call goes in circles.
fn found(details: &[CallDetail]) -> Option<FoundLoop> {
    let call = &details.get(2)?.summary;
    Some(FoundLoop {
        session: call.session_id.clone(),
        client: call.client.clone(),
        kind: LoopKind::SameToolCall,
        times: 6,
        calls: 6,
        tool: Some("Bash".into()),
        arguments: Some(r#"{"command":"cargo test"}"#.into()),
        cost: Money::from_pico(412_000_000_000),
        equivalent: Money::ZERO,
        first: details.get(7).unwrap_or(details.get(2)?).summary.id,
        last: call.id,
        last_ms: call.started_ms,
        going_on: true,
        refused_until_ms: None,
    })
}
