//! Before a listener is switched off: which tools that would stop, and whether to do it.

use api::Stranded;
use leptos::prelude::*;

use super::source_name;
use crate::backend::use_backend;
use crate::change::Change;
use crate::colour;
use crate::components::marks::ToolMark;
use crate::components::states::SkeletonRows;
use crate::fetch::fetch;
use crate::format::{plural, thousands};

/// The question, with whom it is about.
#[component]
pub fn TurnOff(
    name: String,
    change: Change,
    #[prop(into)] off: Callback<()>,
    #[prop(into)] back: Callback<()>,
) -> impl IntoView {
    let backend = use_backend();
    let question = format!("Turn the {} off?", source_name(&name).to_lowercase());
    let stranded = fetch(true, move || Some(name.clone()), move |name| backend.stranded(name));
    view! {
        <div class="turnoff">
            <h3>{question}</h3>
            {move || stranded.is_late().then(|| view! { <SkeletonRows rows=3 /> })}
            {move || stranded.error().map(|error| view! {
                <p class="t2">"Which tools that would stop is not known. "{error.error}</p>
            })}
            {move || stranded.with(|tools| tools.map(|tools| view! { <Tools tools=tools.clone() /> }))}
            <div class="row g3 acts">
                <button type="button" class="btn sm" data-testid="keep-on" on:click=move |_| back.run(())>"Leave it on"</button>
                <button type="button" class="btn sm danger" data-testid="confirm" disabled=move || change.busy.get()
                    on:click=move |_| off.run(())
                >"Turn off"</button>
            </div>
        </div>
    }
}

#[component]
fn Tools(tools: Vec<Stranded>) -> impl IntoView {
    if tools.is_empty() {
        return view! {
            <p class="t2" data-testid="stranded-list">"No tool has used it within the last 24 hours."</p>
        }
        .into_any();
    }
    let open: u64 = tools.iter().map(|tool| tool.open).sum();
    let under_way = (open > 0).then(|| format!("{} may still end.", plural(open, "call", "calls")));
    let rows = tools
        .into_iter()
        .map(|tool| {
            let name = colour::tool(tool.client.as_deref()).name;
            view! {
                <div class="tr" role="row">
                    <span class="row g3" role="cell"><ToolMark client=tool.client /><span class="cut" title=name>{name.clone()}</span></span>
                    <span class="num r" role="cell">{thousands(tool.calls)}</span>
                    <span class="num r" role="cell">{thousands(tool.open)}</span>
                </div>
            }
        })
        .collect_view();
    view! {
        <p class="t2">"These tools get no answer until it is on again or they stop pointing at it."</p>
        <div class="tbl" role="table" aria-label="Tools that would stop" data-testid="stranded-list">
            <div class="tr th" role="row">
                <span role="columnheader">"Tool"</span>
                <span class="r" role="columnheader">"Calls, 24 h"</span>
                <span class="r" role="columnheader">"Under way"</span>
            </div>
            <div class="scrolls">{rows}</div>
        </div>
        {under_way.map(|text| view! { <p class="t3 s11">{text}</p> })}
    }
    .into_any()
}
