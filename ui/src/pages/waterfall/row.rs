//! One row: the lines that lead to it, its type, name and marks, what it cost, and its bar. It never changes but for
//! the time on screen, the selection and what is looked for.

use api::SpanRow;
use leptos::prelude::*;

use super::Page;
use super::table::row_id;
use crate::components::icon::{Glyph, Icon};
use crate::components::marks::{CostCell, span_type};
use crate::format::{money, plural, thousands};
use crate::tree::rows::{Lines, Row};
use crate::tree::scale::length;
use crate::tree::{Node, Place, Sum, Tree};

/// A level's width.
const STEP: u32 = 14;
/// Deeper rows stand where this level does and say how deep they are.
const LEVELS: u32 = 10;

/// The row.
#[component]
pub fn SpanRowView(row: Row, at: usize) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let place = row.place;
    let id = tree.id(place).unwrap_or_default().to_owned();
    let element = row_id(&id);
    let selected = {
        let id = id.clone();
        move || page.selected.with(|selected| selected.as_deref() == Some(id.as_str()))
    };
    let found = move || page.found.with(|found| found.contains(&place));
    let expanded = row.parent.then(|| row.open.to_string());
    let span = tree.span(place).cloned();
    let title = title(&tree, place, span.as_ref());
    let (name, cost, bar) = match span {
        Some(span) => (
            view! { <Name row=row span=span.clone() /> }.into_any(),
            cost_cell(&tree, place, &span).into_any(),
            view! { <Bar place=place span=span row=row /> }.into_any(),
        ),
        None => (
            view! { <Missing row=row /> }.into_any(),
            sum_cell(tree.node(place).map(|node| node.sum).unwrap_or_default()).into_any(),
            view! { <div class="tl" role="gridcell"></div> }.into_any(),
        ),
    };
    view! {
        <div
            class="wr" class:found=found role="row" id=element data-testid="span-row" data-id=id title=title
            // As a property: the framework has no such attribute, and would make one of another name.
            prop:ariaLevel=(row.depth + 1).to_string() aria-rowindex=(at + 1).to_string() aria-expanded=expanded
            aria-selected=move || selected().to_string() on:click=move |_| page.select(Some(place))
            on:dblclick=move |_| page.open(place, !row.open)
        >
            {name}
            <div class="num r c" role="gridcell">{cost}</div>
            {bar}
        </div>
    }
}

/// What a span is called: its label says more than its name.
pub fn called(span: &SpanRow) -> String {
    let named = [span.label.as_deref().unwrap_or_default(), span.name.as_str()];
    named.into_iter().find(|name| !name.is_empty()).unwrap_or("(no name)").to_owned()
}

fn title(tree: &Tree, place: Place, span: Option<&SpanRow>) -> String {
    let Some(span) = span else {
        return "These spans name a parent that nobody reported".to_owned();
    };
    let mut words = vec![called(span)];
    words.extend((words.first() != Some(&span.name) && !span.name.is_empty()).then(|| span.name.clone()));
    words.push(span_type(span.span_type).2.to_owned());
    words.extend(span.service.clone());
    words.push(length(span.duration_ns));
    words.extend(tree.node(place).and_then(odd_words));
    words.join(", ")
}

/// What is strange about a span's times, in words.
pub fn odd_words(node: &Node) -> Option<String> {
    let odd = node.odd;
    let mut words = Vec::new();
    if odd.timeless {
        words.push("it says no time".to_owned());
    }
    if odd.backwards {
        words.push("it says that it ended before it began".to_owned());
    }
    if odd.endless {
        words.push("it says no end".to_owned());
    }
    if odd.looped {
        words.push("it is its own ancestor; shown at the top".to_owned());
    }
    if odd.outside() && odd.before > 0 {
        words.push(format!("it begins {} before its parent: their clocks differ", length(odd.before)));
    }
    if odd.outside() && odd.after > 0 {
        words.push(format!("it ends {} after its parent", length(odd.after)));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

#[component]
fn Name(row: Row, span: SpanRow) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let (icon, stem, word) = span_type(span.span_type);
    let node = tree.node(row.place);
    let below = node.map_or(0, |node| node.below);
    let closed = (row.parent && !row.open).then(|| {
        let title = format!("{} below it", plural(u64::from(below), "span", "spans"));
        view! { <span class="cnt" title=title>{thousands(u64::from(below))}</span> }
    });
    // A name of its own says what failed; without one the word does.
    let failed = span.failed.then(|| view! { <span class="s11 err nw">"failed"</span> });
    let odd = node.and_then(odd_words).map(|words| {
        view! { <span class="warn odd" title=words.clone() role="img" aria-label=words data-testid="span-odd"><Glyph icon=Icon::Clock small=true /></span> }
    });
    let name = called(&span);
    view! {
        <div class="nm" class:plumb=span.infrastructure role="gridcell" style=indent(row.depth)>
            <Guides row=row />
            <Toggle row=row />
            <span class="ic" style=format!("color:var(--span-{stem}-ink)") role="img" aria-label=word><Glyph icon=icon /></span>
            <span class="cut" class:err=span.failed>{name}</span>
            {failed}
            {odd}
            {closed}
            <Folded row=row />
            {(row.depth > LEVELS).then(|| view! { <span class="t3 s11 num nw">{format!("level {}", row.depth)}</span> })}
        </div>
    }
}

/// The marker above spans whose parent was not reported.
#[component]
fn Missing(row: Row) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let id = tree.missing(row.place).unwrap_or_default().to_owned();
    let count = tree.children(row.place).len() as u64;
    let title = format!("{} of {id}, which was not reported", plural(count, "child", "children"));
    view! {
        <div class="nm gone" role="gridcell" style=indent(row.depth) data-testid="missing-parent" title=title>
            <Toggle row=row />
            <span class="ic t3"><Glyph icon=Icon::Ring /></span>
            <span class="t3 nw">"Parent not reported"</span>
            <span class="t3 mono s11 cut">{id}</span>
            <Folded row=row />
        </div>
    }
}

fn indent(depth: u32) -> String {
    format!("padding-left:{}px", depth.min(LEVELS) * STEP)
}

#[component]
fn Toggle(row: Row) -> impl IntoView {
    let page = expect_context::<Page>();
    let icon = if row.open { Icon::ChevronDown } else { Icon::ChevronRight };
    match row.parent {
        true => view! {
            <button
                type="button" class="tw" tabindex="-1" aria-hidden="true" data-testid="span-toggle"
                on:click=move |event| {
                    event.stop_propagation();
                    page.open(row.place, !row.open);
                }
            >
                <Glyph icon=icon small=true />
            </button>
        }
        .into_any(),
        false => view! { <span class="tw"></span> }.into_any(),
    }
}

/// How many spans of infrastructure are folded away here; shows them.
#[component]
fn Folded(row: Row) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let unfolded = page.shown.with_untracked(|shown| {
        tree.id(row.place).is_some_and(|id| shown.unfolded.contains(id)) && !shown.infrastructure
    });
    let words = match (row.folded, unfolded) {
        (0, false) => return ().into_any(),
        (0, true) => "fold".to_owned(),
        (count, _) => format!("+ {} folded", thousands(u64::from(count))),
    };
    view! {
        <button
            type="button" class="folded" tabindex="-1" data-testid="folded" title="Spans of HTTP clients, databases and of tools' own insides"
            on:click=move |event| {
                event.stop_propagation();
                page.unfold(row.place);
            }
        >
            {words}
        </button>
    }
    .into_any()
}

/// The lines that lead here: red where they lead to an error.
#[component]
fn Guides(row: Row) -> impl IntoView {
    let Lines { through, red, next, red_next, failing } = row.lines;
    let has = |bits: u32, column: u32| bits.checked_shr(column).unwrap_or(0) & 1 == 1;
    let mut drawn = Vec::new();
    for column in 0..row.depth.min(LEVELS) {
        let own = column + 1 == row.depth;
        let (upper, lower, across) = match own {
            true => (Some(failing || red_next), next.then_some(red_next), Some(failing)),
            false => {
                let passes = has(through, column).then(|| has(red, column));
                (passes, passes, None)
            }
        };
        if upper.is_none() {
            continue;
        }
        let mut class = "g".to_owned();
        for (part, red) in [("u", upper), ("w", lower), ("h", across)] {
            class.push_str(match (part, red) {
                (_, None) => "",
                ("u", Some(false)) => " u",
                ("u", Some(true)) => " ur",
                ("w", Some(false)) => " w",
                ("w", Some(true)) => " wr_",
                (_, Some(false)) => " h",
                (_, Some(true)) => " hr_",
            });
        }
        drawn.push(view! { <i class=class style=format!("left:{}px", 7 + column * STEP)></i> });
    }
    drawn
}

/// A call's own cost; of anything else what the calls below it cost together.
fn cost_cell(tree: &Tree, place: Place, span: &SpanRow) -> AnyView {
    match &span.call {
        Some(call) => view! { <CostCell cost=call.cost source=call.cost_source open=false /> }.into_any(),
        None => sum_cell(tree.node(place).map(|node| node.sum).unwrap_or_default()).into_any(),
    }
}

fn sum_cell(sum: Sum) -> AnyView {
    if sum.calls == 0 || (sum.priced == 0 && sum.unpriced == 0) {
        return ().into_any();
    }
    let calls = plural(u64::from(sum.calls), "call", "calls");
    if sum.priced == 0 {
        return view! { <span class="unknown" title=format!("No price is known of any of {calls}")>"unknown"</span> }
            .into_any();
    }
    let partial = sum.unpriced > 0;
    let title = match partial {
        true => format!("{calls} below it, {} of them not priced", sum.unpriced),
        false => format!("{calls} below it"),
    };
    view! {
        <span title=title>
            {partial.then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> })}
            {money(sum.cost, 4)}
        </span>
    }
    .into_any()
}

/// The bar: hatched until the first token, underlined on the critical path, its length beside it.
#[component]
fn Bar(place: Place, span: SpanRow, row: Row) -> impl IntoView {
    let page = expect_context::<Page>();
    let tree = page.tree_now();
    let (from, to) = tree.times(place);
    let stem = span_type(span.span_type).1;
    let holds_all = row.parent && (to - from) as f64 > tree.length_ns() as f64 * 0.9 && row.depth < 3;
    let mut class = "wbar".to_owned();
    if holds_all {
        class.push_str(" root");
    }
    if span.failed {
        class.push_str(" er");
    }
    if page.load.path.with_untracked(|path| path.contains(place)) && !holds_all {
        class.push_str(" cp");
    }
    let waited = span.call.as_ref().and_then(|call| call.first_token_us);
    let waited =
        waited.map(|us| i64::try_from(us).unwrap_or(i64::MAX).saturating_mul(1_000)).filter(|ns| *ns > 0);
    let first = waited.map(|waited| from.saturating_add(waited).min(to));
    let bar = Memo::new(move |_| page.on_screen().bar(from, to));
    let style = move || match bar.get() {
        Some((left, width)) => {
            format!("left:{left:.3}%;width:{width:.3}%;--f:var(--span-{stem});--l:var(--span-{stem}-line)")
        }
        None => "display:none".to_owned(),
    };
    let wait = first.map(|first| {
        let style = move || {
            let (shown, bar) = (page.on_screen(), bar.get());
            let part =
                bar.zip(shown.bar(from, first)).map(|((_, all), (_, wait))| wait * 100.0 / all.max(1e-9));
            format!("width:{:.2}%", part.unwrap_or(0.0).min(100.0))
        };
        view! { <u style=style></u> }
    });
    let words = length(span.duration_ns);
    let beside = move || {
        let Some((left, width)) = bar.get() else {
            let early = page.on_screen().percent(to) < 0.0;
            return (if early { "off" } else { "off in" }, String::new());
        };
        match (left + width, left) {
            (right, _) if right < 80.0 => ("num", format!("left:{right:.3}%")),
            (_, left) if left > 20.0 => ("num in", format!("right:{:.3}%", 100.0 - left)),
            _ => ("num w", String::new()),
        }
    };
    let beside = Memo::new(move |_| beside());
    view! {
        <div class="tl" role="gridcell">
            <i class=class style=style>{wait}</i>
            <em class=move || beside.get().0 style=move || beside.get().1>{words}</em>
        </div>
    }
}
