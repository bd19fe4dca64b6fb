//! Budgets and loops: what may be spent, what has been, and calls that go in circles.
//! Leaves out adding up (`store`), judging (`model::budget`, `model::repeat`) and refusing (`proxy`).

use serde::{Deserialize, Serialize};

use crate::{CallId, Money};

/// What a budget is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetOf {
    /// All calls together.
    #[default]
    All,
    /// The calls of a session.
    Session,
    /// The calls of a project, as the header `X-LLMFlow-Project` names it.
    Project,
    /// The calls with a tag.
    Tag,
}

/// For how long a budget's amount has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPer {
    /// A day of this machine's time zone.
    #[default]
    Day,
    /// A week of it, from Monday on.
    Week,
    /// A month of it.
    Month,
    /// For good: as long as the calls are kept.
    Ever,
}

/// What happens when a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetThen {
    /// The dashboard says so.
    #[default]
    Warn,
    /// The desktop says so, too; without one, the log.
    Notify,
    /// Calls that would cost something are answered with an error, and not sent.
    Refuse,
}

/// A budget as the settings say it. One without an amount limits tokens alone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Budget {
    /// Its name; no two have the same.
    pub name: String,
    /// What it is about.
    pub of: BudgetOf,
    /// The one session, project or tag; `None` for each of them by itself.
    pub only: Option<String>,
    /// For how long it has to do.
    pub per: BudgetPer,
    /// So much money.
    pub amount: Option<Money>,
    /// So many tokens, all buckets together.
    pub tokens: Option<u64>,
    /// What happens when it is used up.
    pub then: BudgetThen,
    /// What a subscription pays for counts too, as what it would cost by the API.
    pub subscription: bool,
}

/// How much of a budget is used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetState {
    /// It cannot be told: nothing is refused.
    Unknown,
    /// Less than 80 %.
    #[default]
    Under,
    /// 80 % or more.
    Near,
    /// All of it.
    Over,
}

/// What was spent, in a budget's period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// Money, of the calls whose cost is known.
    pub cost: Money,
    /// What calls that a subscription pays for would have cost by the API.
    pub equivalent: Money,
    /// Tokens, all buckets.
    pub tokens: u64,
    /// Of them, those that a subscription pays for.
    pub subscription_tokens: u64,
    /// Calls whose cost is unknown: the money above is less than what was spent.
    pub unpriced: u64,
    /// Calls.
    pub calls: u64,
}

impl Spent {
    /// The money that a budget counts.
    pub const fn money(&self, subscription: bool) -> Money {
        if subscription { self.cost.saturating_add(self.equivalent) } else { self.cost }
    }

    /// The tokens that a budget counts.
    pub const fn counted_tokens(&self, subscription: bool) -> u64 {
        if subscription { self.tokens } else { self.tokens.saturating_sub(self.subscription_tokens) }
    }
}

/// How a budget stands for all calls, or for one session, project or tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetUse {
    /// Which session, project or tag.
    pub key: Option<String>,
    /// What was spent.
    pub spent: Spent,
    /// How much of the budget that is, in thousandths.
    pub thousandths: u64,
    /// Near or over.
    pub state: BudgetState,
    /// What is left; `None` without an amount.
    pub left: Option<Money>,
    /// The same in tokens.
    pub left_tokens: Option<u64>,
    /// Calls that were refused since LLMFlow started.
    pub refused: u64,
}

/// A budget and how it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BudgetStatus {
    /// The budget.
    pub budget: Budget,
    /// When its period began, in milliseconds since 1970 (UTC); `None` for ever.
    pub from_ms: Option<i64>,
    /// When the next one begins.
    pub to_ms: Option<i64>,
    /// The worst of `uses`.
    pub state: BudgetState,
    /// One, or of each by itself the fullest twenty.
    pub uses: Vec<BudgetUse>,
    /// How many more there are.
    pub more: u64,
    /// Why it cannot be told how it stands.
    pub problem: Option<String>,
}

/// What a loop repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopKind {
    /// The same was asked and answered with the same tool calls, or with the same words.
    Same,
    /// The same tool calls, whatever came back from them.
    SameToolCall,
    /// The same few steps one after the other, over and over.
    Circle,
}

/// A session that goes in circles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundLoop {
    /// The session; `None` when the client named none.
    pub session: Option<String>,
    /// The tool or SDK.
    pub client: Option<String>,
    /// What is repeated.
    pub kind: LoopKind,
    /// How often.
    pub times: u64,
    /// Calls of models that took part.
    pub calls: u64,
    /// The tool that was asked for.
    pub tool: Option<String>,
    /// The beginning of its arguments.
    pub arguments: Option<String>,
    /// What the calls cost, as far as that is known.
    pub cost: Money,
    /// The same of those that a subscription pays for.
    pub equivalent: Money,
    /// The first call.
    pub first: CallId,
    /// The last one.
    pub last: CallId,
    /// When the last one began, in milliseconds since 1970 (UTC).
    pub last_ms: i64,
    /// It goes on: nothing else was asked since.
    pub going_on: bool,
    /// The session's calls are refused until then, in milliseconds since 1970 (UTC).
    pub refused_until_ms: Option<i64>,
}

/// Budgets, and sessions that go in circles.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Budgets {
    /// The budgets in the settings' order.
    pub budgets: Vec<BudgetStatus>,
    /// The loops since LLMFlow started, the latest first; at most a hundred.
    pub loops: Vec<FoundLoop>,
}
