//! The calls of a session with their lines. Only the rows near the screen are in the page: a session has thousands.

use api::{CallSummary, Tie};
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use super::lanes::{Kind, Pass, Row, lanes};
use crate::browser::{is_on_control, on_key, utc_offset};
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{CostCell, ModelName, StateIcon, state_mark};
use crate::format::time::Stamp;
use crate::format::{duration, percent, short, thousands};

/// As in the style sheet.
const HEIGHT: i32 = 30;
const LANE: usize = 14;
/// Rows above and below the screen that are there already.
const MORE: i32 = 20;

/// Head and rows.
#[component]
pub fn Turns(calls: Vec<CallSummary>) -> impl IntoView {
    let widest = StoredValue::new(
        calls.iter().zip(lanes(&calls)).map(|(call, row)| (call.clone(), row)).collect::<Vec<_>>(),
    );
    let count = i32::try_from(calls.len()).unwrap_or(i32::MAX);
    let lanes = calls_lanes(widest);
    let (top, selected) = (RwSignal::new(0), RwSignal::new(None::<i32>));
    let list = NodeRef::<leptos::html::Div>::new();
    keys(widest, count, selected, list);
    let first = Memo::new(move |_| (top.get() / HEIGHT - MORE).clamp(0, count));
    let rows = move || {
        let first = first.get();
        let shown = list.get().map_or(60, |list| list.client_height() / HEIGHT);
        let last = (first + shown + 2 * MORE).min(count);
        (first..last)
            .filter_map(|index| {
                let (call, row) =
                    widest.with_value(|rows| rows.get(usize::try_from(index).ok()?).cloned())?;
                Some(view! { <Turn index=index call=call row=row selected=selected /> })
            })
            .collect_view()
    };
    let style = format!("--lanes:{}px", 18 + lanes * LANE);
    view! {
        <div class="tbl turns" role="grid" aria-label="Calls" data-testid="session-calls" style=style>
            <div class="tr th" role="row">
                <span role="columnheader"></span>
                <span role="columnheader">"Call"</span>
                <span role="columnheader" class="c-model">"Model"</span>
                <span role="columnheader" class="r" title="Tokens of the prompt">"Context"</span>
                <span role="columnheader" class="r">"Cached"</span>
                <span role="columnheader" class="r">"Time"</span>
                <span role="columnheader" class="r">"Cost"</span>
                <span role="columnheader" class="r">"Began"</span>
            </div>
            <div class="rows" node_ref=list tabindex="-1"
                on:scroll=move |event| top.set(event_target::<web_sys::HtmlElement>(&event).scroll_top())>
                <div style=format!("height:{}px;position:relative", count.saturating_mul(HEIGHT))>
                    <div style=move || format!("position:absolute;left:0;right:0;top:{}px", first.get() * HEIGHT)>{rows}</div>
                </div>
            </div>
        </div>
    }
}

fn calls_lanes(rows: StoredValue<Vec<(CallSummary, Row)>>) -> usize {
    rows.with_value(|rows| {
        let passes = rows.iter().flat_map(|(_, row)| row.passes.iter().map(|pass| pass.lane));
        passes.max().unwrap_or(0) + 1
    })
}

#[component]
fn Turn(index: i32, call: CallSummary, row: Row, selected: RwSignal<Option<i32>>) -> impl IntoView {
    let (icon, word, class) = state_mark(&call);
    let title = call.title.clone().unwrap_or_else(|| format!("{} {}", call.method, call.path));
    let prompt = call.usage.prompt_total();
    let cached = call.usage.cache_read.filter(|read| *read > 0).zip(prompt);
    let open = call.duration_us.is_none();
    let began = Stamp::new(call.started_ms, utc_offset(call.started_ms));
    let href = format!("/traces/{}", call.id);
    view! {
        <div class="tr" role="row" data-testid="session-call" aria-selected=move || (selected.get() == Some(index)).to_string()
            on:click=move |_| selected.set(Some(index))>
            <Lines row=row />
            <span role="gridcell" class="row g3 name">
                <StateIcon icon=icon word=word class=class />
                <Badges call=call.clone() />
                <a class="cut ttl" href=href title=title>{title.clone()}</a>
            </span>
            <span role="gridcell" class="c-model"><ModelName name=call.model.clone() provider=call.provider.clone() /></span>
            <span role="gridcell" class="num r" title=prompt.map(thousands)>{prompt.map_or_else(|| "–".to_owned(), short)}</span>
            <span role="gridcell" class="num r t2">{cached.map(|(read, all)| percent(read, all))}</span>
            <span role="gridcell" class="num r">{call.duration_us.map_or_else(|| "–".to_owned(), duration)}</span>
            <span role="gridcell" class="r"><CostCell cost=call.cost source=call.cost_source open=open /></span>
            <span role="gridcell" class="num r t3" title=began.iso()>{began.clock()}</span>
        </div>
    }
}

/// What makes a call more than the next turn.
#[component]
fn Badges(call: CallSummary) -> impl IntoView {
    let tie = match call.lineage.tie {
        Some(Tie::Fork) => Some(("fork", "Goes on from an earlier turn, another way")),
        Some(Tie::Retry) => Some(("retry", "The same request once more")),
        Some(Tie::Turn | Tie::Spawned) | None => None,
    };
    let agent = call.lineage.agent.map(|agent| {
        let how = if agent.inferred {
            "Inferred from its task, its system prompt or its tools"
        } else {
            "As the client says"
        };
        let parent = agent.parent.map(|parent| format!(", made by {parent}")).unwrap_or_default();
        (agent.name.unwrap_or_else(|| agent.id.clone()), format!("Agent {}{parent}. {how}", agent.id))
    });
    view! {
        {agent.map(|(name, title)| view! { <span class="pill agent cut" title=title data-testid="agent">{name}</span> })}
        {tie.map(|(word, title)| view! { <span class="pill line" title=title data-testid="tie">{word}</span> })}
    }
}

/// The lines that pass, and this call's place on its own.
#[component]
fn Lines(row: Row) -> impl IntoView {
    let x = |lane: usize| 12 + lane * LANE;
    let class = |kind: Kind| match kind {
        Kind::Main => "",
        Kind::Agent => " agent",
        Kind::Fork => " fork",
    };
    let pass = |pass: Pass| {
        let (top, bottom) = (if pass.above { "0" } else { "50%" }, if pass.below { "-1px" } else { "50%" });
        let style = format!("left:{}px;top:{top};bottom:{bottom}", x(pass.lane));
        view! { <i class=format!("ln{}", class(pass.kind)) style=style></i> }
    };
    let from = row.leaves.filter(|from| *from != row.lane).map(|from| {
        let (left, right) = (from.min(row.lane), from.max(row.lane));
        let style = format!("left:{}px;width:{}px", x(left), x(right) - x(left));
        view! { <i class=format!("br{}", class(row.kind)) style=style></i> }
    });
    let node = format!("left:{}px", x(row.lane));
    view! {
        <span role="gridcell" class="lane" aria-hidden="true">
            {row.passes.iter().copied().map(pass).collect_view()}
            {from}
            <i class=format!("node{}", class(row.kind)) style=node></i>
        </span>
    }
}

fn keys(
    rows: StoredValue<Vec<(CallSummary, Row)>>,
    count: i32,
    selected: RwSignal<Option<i32>>,
    list: NodeRef<leptos::html::Div>,
) {
    let navigate = use_navigate();
    let go = move |to: i32| {
        let to = to.clamp(0, (count - 1).max(0));
        selected.set(Some(to));
        let Some(list) = list.get_untracked() else { return };
        let (top, height) = (list.scroll_top(), list.client_height());
        if to * HEIGHT < top {
            list.set_scroll_top(to * HEIGHT);
        } else if (to + 1) * HEIGHT > top + height {
            list.set_scroll_top((to + 1) * HEIGHT - height);
        }
    };
    on_key(move |event| {
        let at = selected.get_untracked();
        match event.key().as_str() {
            "j" | "ArrowDown" => go(at.map_or(0, |at| at + 1)),
            "k" | "ArrowUp" => go(at.map_or(0, |at| at - 1)),
            "g" => go(0),
            "G" => go(count - 1),
            "Enter" | " " if is_on_control(event) => return false,
            "Enter" => {
                let id =
                    rows.with_value(|rows| rows.get(usize::try_from(at?).ok()?).map(|(call, _)| call.id));
                match id {
                    Some(id) => navigate(&format!("/traces/{id}"), NavigateOptions::default()),
                    None => return false,
                }
            }
            _ => return false,
        }
        true
    });
}

/// What the lines mean.
#[component]
pub fn Legend() -> impl IntoView {
    view! {
        <div class="lf s12 t2">
            <span class="row g3"><i class="linekey"></i>"main"</span>
            <span class="row g3"><i class="linekey agent"></i>"agent"</span>
            <span class="row g3"><i class="linekey fork"></i>"fork"</span>
            <span class="end row g3 hints t3"><kbd>"j"</kbd><kbd>"k"</kbd>"call, "<kbd>"Enter"</kbd>"open"<Glyph icon=Icon::ChevronRight small=true /></span>
        </div>
    }
}
