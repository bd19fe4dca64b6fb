//! Strips above today's figures while a budget is near or over, cannot be told, or a session goes in circles.

use api::{BudgetState, Budgets, FoundLoop};
use leptos::prelude::*;

use crate::backend::use_backend;
use crate::budget::{full, looped};
use crate::change::Change;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::Refused;
use crate::fetch::{Fetched, fetch};
use crate::live::use_live;

/// Budgets and loops, asked again whenever they change.
pub fn fetch_budgets() -> Fetched<Budgets> {
    let (backend, live) = (use_backend(), use_live());
    fetch(
        true,
        move || {
            live.budgets.track();
            Some(())
        },
        move |()| backend.budgets(),
    )
}

/// Nothing while there is enough.
#[component]
pub fn Limits() -> impl IntoView {
    let shown = fetch_budgets();
    let lines = Memo::new(move |_| {
        shown.with(|shown| {
            let mut lines: Vec<(BudgetState, String)> = Vec::new();
            for status in shown.iter().flat_map(|all| &all.budgets) {
                let unknown = |problem: &String| {
                    (BudgetState::Near, format!("Budget “{}”: {problem}", status.budget.name))
                };
                lines.extend(status.problem.iter().map(unknown));
                lines.extend(full(status));
            }
            lines.sort_by_key(|(state, _)| std::cmp::Reverse(*state));
            lines
        })
    });
    let loops = Memo::new(move |_| {
        shown.with(|shown| {
            let all = shown.iter().flat_map(|all| &all.loops);
            all.filter(|found| found.going_on).take(5).cloned().collect::<Vec<FoundLoop>>()
        })
    });
    let line = |(state, text): (BudgetState, String)| {
        let class = if state == BudgetState::Over { "strip-off err" } else { "strip-off warn" };
        view! {
            <div class=class role="status" data-testid="budget-strip">
                <Glyph icon=Icon::Octagon />
                <span class="grow">{text}</span>
                <a class="btn sm" href="/settings#budgets">"Budgets"</a>
            </div>
        }
    };
    view! {
        {move || lines.get().into_iter().map(line).collect_view()}
        {move || loops.get().into_iter().map(|found| view! { <LoopStrip found=found shown=shown /> }).collect_view()}
    }
}

#[component]
fn LoopStrip(found: FoundLoop, shown: Fetched<Budgets>) -> impl IntoView {
    let backend = use_backend();
    let change = Change::new();
    let last = found.last;
    let refused = found.refused_until_ms.is_some();
    let who = found.client.clone().unwrap_or_else(|| "A session".to_owned());
    let label = if refused { "Let it go on" } else { "Dismiss" };
    view! {
        <div class="strip-off warn" role="status" data-testid="loop-strip">
            <Glyph icon=Icon::Octagon />
            <span class="grow" title=found.arguments>
                <b>{format!("{who} goes in circles: ")}</b>{looped(&found)}"."
                {refused.then_some(" Its calls are refused.")}
            </span>
            <Refused error=change.refused />
            <a class="btn sm" href=format!("/traces/{last}")>"Look"</a>
            <button type="button" class="btn sm" data-testid="dismiss-loop" disabled=move || change.busy.get()
                on:click=move |_| change.run(backend.dismiss_loop(last), move |all| shown.put(all))
            >{label}</button>
        </div>
    }
}
