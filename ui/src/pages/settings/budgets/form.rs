//! Writing a budget. What is wrong with it the engine says.

use api::{ApiError, Budget, BudgetOf, BudgetPer, BudgetThen, Budgets, Money};
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::change::Change;
use crate::components::states::Refused;
use crate::fetch::Fetched;

const OF: [(&str, BudgetOf); 4] = [
    ("all calls", BudgetOf::All),
    ("a session", BudgetOf::Session),
    ("a project", BudgetOf::Project),
    ("a tag", BudgetOf::Tag),
];
const PER: [(&str, BudgetPer); 4] = [
    ("a day", BudgetPer::Day),
    ("a week", BudgetPer::Week),
    ("a month", BudgetPer::Month),
    ("all time", BudgetPer::Ever),
];
const THEN: [(&str, BudgetThen); 3] = [
    ("warn in the dashboard", BudgetThen::Warn),
    ("notify me, too", BudgetThen::Notify),
    ("refuse calls that cost something", BudgetThen::Refuse),
];

/// A budget being written; `replaces` is the name of the one that is changed.
#[component]
pub fn Form(
    budget: Budget,
    replaces: Option<String>,
    shown: Fetched<Budgets>,
    #[prop(into)] done: Callback<()>,
) -> impl IntoView {
    let backend = use_backend();
    let change = Change::new();
    let draft = RwSignal::new(budget.clone());
    let dollars = RwSignal::new(budget.amount.map(Money::to_decimal).unwrap_or_default());
    let tokens = RwSignal::new(budget.tokens.map(|tokens| tokens.to_string()).unwrap_or_default());
    let wrong_dollars = Memo::new(move |_| optional(&dollars.get(), Money::from_decimal).is_none());
    let wrong_tokens = Memo::new(move |_| optional(&tokens.get(), whole).is_none());
    let is_one = Memo::new(move |_| draft.with(|draft| draft.of != BudgetOf::All));
    let submit = move |event: web_sys::SubmitEvent| {
        event.prevent_default();
        let amount = optional(&dollars.get_untracked(), Money::from_decimal);
        let limit = optional(&tokens.get_untracked(), whole);
        let (Some(amount), Some(limit)) = (amount, limit) else {
            let error = "Dollars are written such as 12.50, tokens as a whole number.";
            change.refused.set(Some(ApiError::parameter("budget", error)));
            return;
        };
        let mut wanted = draft.get_untracked();
        (wanted.amount, wanted.tokens) = (amount, limit);
        wanted.only = wanted.only.filter(|only| wanted.of != BudgetOf::All && !only.trim().is_empty());
        change.run(backend.set_budget(wanted, replaces.clone()), move |all| {
            shown.put(all);
            done.run(());
        });
    };
    let escape = move |event: web_sys::KeyboardEvent| {
        if event.key() == "Escape" {
            event.stop_propagation();
            done.run(());
        }
    };
    view! {
        <form class="budgetform" data-testid="budget-form" on:submit=submit on:keydown=escape>
            <label><span>"Name"</span><span class="box"><input type="text" maxlength="100" autocomplete="off" spellcheck="false" autofocus data-testid="budget-name"
                prop:value=move || draft.with(|draft| draft.name.clone())
                on:input=move |event| draft.update(|draft| draft.name = event_target_value(&event)) /></span></label>
            <label><span>"Dollars"</span><span class="box"><span class="t3">"$"</span><input type="text" inputmode="decimal" autocomplete="off" placeholder="no limit" data-testid="budget-usd"
                aria-invalid=move || wrong_dollars.get().to_string()
                prop:value=move || dollars.get() on:input=move |event| dollars.set(event_target_value(&event)) /></span></label>
            <label><span>"Tokens"</span><span class="box"><input type="text" inputmode="numeric" autocomplete="off" placeholder="no limit" data-testid="budget-tokens"
                aria-invalid=move || wrong_tokens.get().to_string()
                prop:value=move || tokens.get() on:input=move |event| tokens.set(event_target_value(&event)) /></span></label>
            <label><span>"For"</span><Choice choices=&PER value=Signal::derive(move || draft.with(|draft| draft.per)) set=move |per| draft.update(|draft| draft.per = per) testid="budget-per" /></label>
            <label><span>"Counts"</span><Choice choices=&OF value=Signal::derive(move || draft.with(|draft| draft.of)) set=move |of| draft.update(|draft| draft.of = of) testid="budget-of" /></label>
            <Show when=move || is_one.get()>
                <label><span>"Only"</span><span class="box"><input type="text" maxlength="255" autocomplete="off" spellcheck="false" placeholder="each by itself" data-testid="budget-only"
                    prop:value=move || draft.with(|draft| draft.only.clone().unwrap_or_default())
                    on:input=move |event| draft.update(|draft| draft.only = Some(event_target_value(&event)).filter(|only| !only.is_empty())) /></span></label>
            </Show>
            <label class="wide"><span>"When it is used up"</span><Choice choices=&THEN value=Signal::derive(move || draft.with(|draft| draft.then)) set=move |then| draft.update(|draft| draft.then = then) testid="budget-then" /></label>
            <label class="wide tick"><input type="checkbox" data-testid="budget-subscription"
                prop:checked=move || draft.with(|draft| draft.subscription)
                on:change=move |event| draft.update(|draft| draft.subscription = event_target_checked(&event)) />
                <span>"What a subscription pays for counts too, as what it would cost by the API"</span></label>
            <p class="wide t3 s12">"A project is what the header X-LLMFlow-Project says, a tag what X-LLMFlow-Tag says. A session whose tool does not name it can only be warned of."</p>
            <Refused error=change.refused />
            <div class="wide row g3">
                <button type="submit" class="btn sm pri" data-testid="save-budget" disabled=move || change.busy.get()>"Save"</button>
                <button type="button" class="btn sm" on:click=move |_| done.run(())>"Cancel"</button>
            </div>
        </form>
    }
}

/// What is typed, where nothing is none; `None` when it makes no sense.
fn optional<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Option<T>> {
    if text.trim().is_empty() { Some(None) } else { read(text).map(Some) }
}

fn whole(text: &str) -> Option<u64> {
    text.trim().replace([',', '_', ' '], "").parse().ok()
}

#[component]
fn Choice<T: Copy + PartialEq + Send + Sync + 'static>(
    choices: &'static [(&'static str, T)],
    value: Signal<T>,
    #[prop(into)] set: Callback<T>,
    testid: &'static str,
) -> impl IntoView {
    let choose = move |event: web_sys::Event| {
        let at: usize = event_target_value(&event).parse().unwrap_or_default();
        if let Some((_, choice)) = choices.get(at) {
            set.run(*choice);
        }
    };
    let options = choices
        .iter()
        .enumerate()
        .map(|(at, (label, choice))| {
            let choice = *choice;
            view! { <option value=at.to_string() prop:selected=move || value.get() == choice selected=value.get_untracked() == choice>{*label}</option> }
        })
        .collect_view();
    view! { <select class="box" data-testid=testid on:change=choose>{options}</select> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_field_is_no_limit_and_nonsense_is_refused() {
        assert_eq!(optional(" ", whole), Some(None));
        assert_eq!(optional("1,000,000", whole), Some(Some(1_000_000)));
        assert_eq!(optional("many", whole), None);
        assert_eq!(optional("12.50", Money::from_decimal), Some(Money::from_decimal("12.5")));
    }
}
