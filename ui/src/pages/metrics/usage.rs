//! What metrics say of tokens and money, beside what the calls themselves come to. Never added to each other: they tell
//! of the same calls.

use api::MetricUsage;
use leptos::prelude::*;

use super::Page;
use crate::backend::use_backend;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::quantity::{amount, number};

/// Differences below this share are rounding and calls at the edge of the time shown.
const SAME: f64 = 0.01;

/// The panel.
#[component]
pub fn Usage() -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let asked = Memo::new(move |_| page.view.with(|view| (view.last, view.fixed)));
    let usage = fetch(
        true,
        move || {
            page.changed.track();
            Some(asked.get())
        },
        move |_| {
            let (from_ms, to_ms) = page.window();
            backend.metric_usage(from_ms, to_ms)
        },
    );
    view! {
        <div class="mhead">
            <h2>"Tokens and cost, as metrics say"</h2>
            <p class="s12 t2 desc">"Beside what the recorded calls of the same tool and model come to. Metrics are never added to calls: they tell of the same ones."</p>
        </div>
        <div class="mbody">
            {move || usage.error().map(|error| view! {
                <ErrorPanel what="The comparison could not be loaded" error=error retry=move |()| usage.retry() />
            })}
            {move || usage.is_late().then(|| view! { <SkeletonRows rows=6 /> })}
            {move || usage.with(|usage| usage.map(|usage| match usage.is_empty() {
                true => view! {
                    <div class="blank" data-testid="no-usage"><h2>"No metric tells of tokens or cost"</h2><p class="t2">"Choose a metric at the left to see its chart."</p></div>
                }.into_any(),
                false => view! { <Rows usage=usage.clone() /> }.into_any(),
            }))}
        </div>
    }
}

#[component]
fn Rows(usage: Vec<MetricUsage>) -> impl IntoView {
    let rows = usage.into_iter().map(|one| view! { <Row one=one /> }).collect_view();
    view! {
        <div class="tbl musage" role="table" aria-label="Metrics beside calls" data-testid="metric-usage">
            <div class="tr th" role="row">
                <span role="columnheader">"Tool"</span>
                <span role="columnheader">"Model"</span>
                <span role="columnheader">"Of"</span>
                <span role="columnheader" class="r">"Metrics say"</span>
                <span role="columnheader" class="r">"Calls say"</span>
                <span role="columnheader" class="r">"Calls have"</span>
            </div>
            {rows}
        </div>
    }
}

/// How the calls' figure stands to the metric's: an icon's meaning, and words.
fn compared(metrics: f64, calls: Option<f64>) -> (Icon, &'static str, String) {
    match calls {
        None => (Icon::Ring, "t3", "no calls seen".to_owned()),
        Some(calls) if (calls - metrics).abs() <= SAME * metrics.abs().max(calls.abs()) => {
            (Icon::Check, "ok", "the same".to_owned())
        }
        Some(calls) if metrics.abs() > 0.0 => {
            (Icon::Triangle, "warn", format!("{}% of it", number((calls / metrics * 100.0).round())))
        }
        Some(_) => (Icon::Triangle, "warn", "more".to_owned()),
    }
}

#[component]
fn Row(one: MetricUsage) -> impl IntoView {
    let money = one.token_type == "cost";
    let say = |value: f64| if money { amount(value, "USD") } else { number(value) };
    let (icon, class, words) = compared(one.total, one.calls);
    let service = one.service.clone().unwrap_or_else(|| "no service".to_owned());
    let model = one.model.clone().unwrap_or_else(|| "–".to_owned());
    view! {
        <div class="tr dense" role="row" title=one.metric data-testid="usage-row">
            <span role="cell" class="cut" title=service>{service.clone()}</span>
            <span role="cell" class="cut" title=model>{model.clone()}</span>
            <span role="cell" class="cut">{one.token_type.clone()}</span>
            <span role="cell" class="num r">{say(one.total)}</span>
            <span role="cell" class="num r">{one.calls.map_or_else(|| "–".to_owned(), say)}</span>
            <span role="cell" class=format!("row g2 nw far {class}")><Glyph icon=icon small=true />{words}</span>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_compared() {
        assert_eq!(compared(100.0, Some(100.5)).2, "the same");
        assert_eq!(compared(0.0, Some(0.0)).2, "the same");
        assert_eq!(compared(200.0, Some(50.0)).2, "25% of it");
        assert_eq!(compared(0.0, Some(50.0)).2, "more");
        assert_eq!(compared(5.0, None).2, "no calls seen");
    }
}
