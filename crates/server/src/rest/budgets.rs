//! Budgets and loops over REST, amounts in dollars as text, so that they are exact.

use api::{
    ApiError, Budget, BudgetOf, BudgetPer, BudgetStatus, BudgetThen, BudgetUse, Budgets, ErrorKind,
    FoundLoop, Money, Reply, Request,
};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Host;
use crate::error::{Failure, mismatch};
use crate::unpack::{Body, Segment};

/// `GET /api/budgets`: how they stand, and sessions that go in circles.
pub(crate) async fn list(State(host): State<Host>) -> Result<Json<Value>, Failure> {
    answer(&host, Request::GetBudgets).await
}

/// A budget as it stands in the settings file. What it does not know is refused: a budget with a word misspelt would be
/// another one than was meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    name: Option<String>,
    #[serde(default)]
    of: BudgetOf,
    only: Option<String>,
    #[serde(default)]
    per: BudgetPer,
    usd: Option<Value>,
    tokens: Option<u64>,
    #[serde(default)]
    then: BudgetThen,
    #[serde(default)]
    subscription: bool,
}

impl Wanted {
    /// The budget that stands under `name`, unless it names itself.
    fn budget(self, name: String) -> Result<Budget, ApiError> {
        let Self { name: own, of, only, per, usd, tokens, then, subscription } = self;
        let amount = usd.as_ref().filter(|usd| !usd.is_null()).map(dollars).transpose()?;
        let name = own.filter(|own| !own.is_empty()).unwrap_or(name);
        Ok(Budget { name, of, only, per, amount, tokens, then, subscription })
    }
}

fn dollars(usd: &Value) -> Result<Money, ApiError> {
    let text = usd.as_str().map_or_else(|| usd.to_string(), str::to_owned);
    let wrong =
        || ApiError::parameter("usd", format!("usd is {text:?}, and must be dollars, such as 12.50."));
    Money::from_decimal(&text).ok_or_else(wrong)
}

/// `PUT /api/budgets/:name`: makes one, or changes the one of this name.
pub(crate) async fn set(
    State(host): State<Host>,
    Segment(name): Segment,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Value>, Failure> {
    let Reply::Budgets(known) = host.engine.dispatch(Request::GetBudgets).await? else {
        return Err(mismatch());
    };
    let replaces = known.budgets.into_iter().map(|status| status.budget.name).find(|known| *known == name);
    let budget = wanted.budget(name)?;
    answer(&host, Request::SetBudget { budget, replaces }).await
}

/// `DELETE /api/budgets/:name`.
pub(crate) async fn remove(State(host): State<Host>, Segment(name): Segment) -> Result<Json<Value>, Failure> {
    answer(&host, Request::RemoveBudget { name }).await
}

/// `POST /api/loops/:last/dismiss`: lets the session whose loop ended with this call go on.
pub(crate) async fn dismiss(
    State(host): State<Host>,
    Segment(last): Segment,
) -> Result<Json<Value>, Failure> {
    let last = last
        .parse()
        .map_err(|_| ApiError::new(ErrorKind::NotFound, "A loop is named by the id of its last call."))?;
    answer(&host, Request::DismissLoop { last }).await
}

async fn answer(host: &Host, request: Request) -> Result<Json<Value>, Failure> {
    match host.engine.dispatch(request).await? {
        Reply::Budgets(all) => Ok(Json(shape(&all))),
        _ => Err(mismatch()),
    }
}

fn shape(all: &Budgets) -> Value {
    json!({
        "budgets": all.budgets.iter().map(status).collect::<Vec<_>>(),
        "loops": all.loops.iter().map(found).collect::<Vec<_>>(),
    })
}

fn status(status: &BudgetStatus) -> Value {
    let budget = &status.budget;
    json!({
        "name": budget.name, "of": budget.of, "only": budget.only, "per": budget.per,
        "usd": budget.amount.map(Money::to_decimal), "tokens": budget.tokens,
        "then": budget.then, "subscription": budget.subscription,
        "from_ms": status.from_ms, "to_ms": status.to_ms, "state": status.state, "problem": status.problem,
        "uses": status.uses.iter().map(|one| used(budget, one)).collect::<Vec<_>>(), "more_uses": status.more,
    })
}

fn used(budget: &Budget, one: &BudgetUse) -> Value {
    json!({
        "key": one.key, "state": one.state, "thousandths": one.thousandths,
        "spent_usd": one.spent.money(budget.subscription).to_decimal(),
        "left_usd": one.left.map(Money::to_decimal),
        "spent_tokens": one.spent.counted_tokens(budget.subscription),
        "left_tokens": one.left_tokens,
        "api_equivalent_usd": one.spent.equivalent.to_decimal(),
        "unpriced": one.spent.unpriced, "calls": one.spent.calls, "refused": one.refused,
    })
}

fn found(found: &FoundLoop) -> Value {
    json!({
        "session": found.session, "client": found.client, "kind": found.kind, "times": found.times,
        "calls": found.calls, "tool": found.tool, "arguments": found.arguments,
        "cost_usd": found.cost.to_decimal(), "api_equivalent_usd": found.equivalent.to_decimal(),
        "first": found.first, "last": found.last, "last_ms": found.last_ms, "going_on": found.going_on,
        "refused_until_ms": found.refused_until_ms,
    })
}
