//! Budgets: how each stands, adding, changing and removing one. Leaves out the words (`crate::budget`).

mod form;

use api::{Budget, BudgetState, BudgetStatus, Budgets};
use leptos::prelude::*;

use super::Page;
use super::words::Group;
use crate::backend::use_backend;
use crate::budget::{about, then, used};
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, Refused};
use crate::components::two_step::TwoStep;
use crate::fetch::Fetched;
use crate::format::plural;
use crate::pages::overview::limits::fetch_budgets;
use form::Form;

const WORDS: &str =
    "Budgets spend limit money dollars tokens per day week month session project tag warn notify refuse";

/// Whether the budgets are looked for.
pub fn belongs(page: Page, group: Group) -> bool {
    group == Group::Budgets && page.wants(WORDS)
}

/// What is being written.
#[derive(Clone, PartialEq)]
enum Editing {
    Nothing,
    New,
    One(String),
}

/// The budgets, and a way to a new one.
#[component]
pub fn BudgetRows() -> impl IntoView {
    let page = expect_context::<Page>();
    let shown = fetch_budgets();
    let editing = RwSignal::new(Editing::Nothing);
    let names = Memo::new(move |_| {
        shown.with(|shown| {
            let all = shown.iter().flat_map(|all| &all.budgets);
            all.map(|status| status.budget.name.clone()).collect::<Vec<_>>()
        })
    });
    let none = move || names.with(Vec::is_empty) && shown.with(|shown| shown.is_some());
    view! {
        <Show when=move || page.wants(WORDS)>
            {move || shown.error().map(|error| view! {
                <ErrorPanel what="Budgets could not be loaded" error=error retry=move |()| shown.retry() />
            })}
            <Show when=none>
                <p class="nobudget t2 s12" data-testid="no-budgets">
                    "No budget yet. One says so at 80 % and, when it is used up, warns, notifies or refuses calls. Calls under way are counted when they end."
                </p>
            </Show>
            <For each=move || names.get() key=String::clone let(name)>
                <One name=name shown=shown editing=editing />
            </For>
            <Show
                when=move || editing.get() == Editing::New
                fallback=move || view! {
                    <div class="budgetadd">
                        <button type="button" class="btn sm" data-testid="add-budget" on:click=move |_| editing.set(Editing::New)>
                            <Glyph icon=Icon::Plus small=true />"Add a budget"
                        </button>
                    </div>
                }
            >
                <Form budget=Budget::default() replaces=None shown=shown done=move |()| editing.set(Editing::Nothing) />
            </Show>
        </Show>
    }
}

#[component]
fn One(name: String, shown: Fetched<Budgets>, editing: RwSignal<Editing>) -> impl IntoView {
    let of = name.clone();
    let status = Memo::new(move |_| {
        shown.with(|shown| shown?.budgets.iter().find(|status| status.budget.name == of).cloned())
    });
    let mine = Editing::One(name);
    let is_open = Memo::new(move |_| editing.get() == mine);
    move || {
        let open = is_open.get();
        // What is typed stays while money is spent.
        let status = if open { status.get_untracked() } else { status.get() }?;
        let budget = status.budget.clone();
        Some(match open {
            true => view! {
                <Form replaces=Some(budget.name.clone()) budget=budget shown=shown done=move |()| editing.set(Editing::Nothing) />
            }
            .into_any(),
            false => view! { <Shown status=status shown=shown editing=editing /> }.into_any(),
        })
    }
}

#[component]
fn Shown(status: BudgetStatus, shown: Fetched<Budgets>, editing: RwSignal<Editing>) -> impl IntoView {
    let backend = use_backend();
    let change = Change::new();
    let budget = status.budget.clone();
    let name = budget.name.clone();
    let removed = name.clone();
    let remove = move |()| change.run(backend.remove_budget(removed.clone()), move |all| shown.put(all));
    let edit = Editing::One(name.clone());
    let uses = status
        .uses
        .iter()
        .take(5)
        .map(|one| {
            let (class, word) = match one.state {
                BudgetState::Over => ("pill err", "used up"),
                BudgetState::Near => ("pill warn", "nearly used up"),
                BudgetState::Under | BudgetState::Unknown => ("pill", "under"),
            };
            let width = format!("width:{}%", (one.thousandths / 10).min(100));
            let color = match one.state {
                BudgetState::Over => "bbar err",
                BudgetState::Near => "bbar warn",
                BudgetState::Under | BudgetState::Unknown => "bbar",
            };
            let unpriced = (one.spent.unpriced > 0 && budget.amount.is_some())
                .then(|| format!("{} without a price, not in it", plural(one.spent.unpriced, "call", "calls")));
            let refused = (one.refused > 0)
                .then(|| format!("{} refused since start", plural(one.refused, "call", "calls")));
            let aside = refused.into_iter().chain(unpriced).collect::<Vec<_>>().join("; ");
            view! {
                <div class="buse" data-testid="budget-use" title=format!("{:.1} %", one.thousandths as f64 / 10.0)>
                    <span class="row g3">
                        {one.key.clone().map(|key| { let title = key.clone(); view! { <span class="mono cut" title=title>{key}</span> } })}
                        <span class="num">{used(&budget, one)}</span>
                        <span class=class>{word}</span>
                        <span class="t3" data-testid="budget-aside">{aside}</span>
                    </span>
                    <span class="bline"><span class=color style=width></span></span>
                </div>
            }
        })
        .collect_view();
    let more = status.more + status.uses.len().saturating_sub(5) as u64;
    view! {
        <div class="srow" data-testid="budget">
            <div class="what">
                <div class="row g3">
                    <span class="m">{name}</span>
                    <span class="t2 s12 cut">{about(&status.budget)}</span>
                    <span class="pill">{then(status.budget.then)}</span>
                </div>
                {uses}
                {status.uses.is_empty().then(|| view! { <p class="t3 s12">"Nothing spent yet."</p> })}
                {(more > 0).then(|| view! { <p class="t3 s12">{format!("and {more} more")}</p> })}
                {status.problem.clone().map(|problem| view! { <p class="aside warn">{problem}</p> })}
                <Refused error=change.refused />
            </div>
            <div class="how">
                <div class="row g3 after">
                    <button type="button" class="btn sm" data-testid="edit-budget" on:click=move |_| editing.set(edit.clone())>"Change"</button>
                    <TwoStep label="Remove" question="Remove this budget?" yes=remove testid="remove-budget" disabled=change.busy />
                </div>
            </div>
        </div>
    }
}
