//! One metric: what it is, how it is split, its chart or its points.

use api::{MetricChart, MetricSummary, Temporality};
use leptos::prelude::*;

use super::Page;
use super::chart::Chart;
use super::distribution::Distribution;
use super::legend::Legend;
use super::list::kind_word;
use super::plot::is_distribution;
use super::points::Points;
use super::table::Table;
use super::view::{Form, Measure, MetricsView, Which};
use crate::backend::use_backend;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::fetch::fetch;
use crate::format::plural;

/// Stretches of time in a chart.
pub const BARS: u32 = 96;

/// A chart as the parts below draw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    pub chart: MetricChart,
    pub window: (i64, i64),
    pub group: Option<String>,
    pub measure: Measure,
}

/// The panel.
#[component]
pub fn Panel(which: Which) -> impl IntoView {
    let page = expect_context::<Page>();
    let backend = use_backend();
    let asked = Memo::new(move |_| page.view.with(|view| (view.group.clone(), view.last, view.fixed)));
    let of = which.clone();
    let fetched = fetch(
        true,
        move || {
            page.changed.track();
            Some(asked.get())
        },
        move |_| {
            let (view, window) = (page.view.get_untracked(), page.window());
            let query = view.query(&of, window, BARS);
            async move { Ok((backend.metric_chart(query).await?, window, view.group)) }
        },
    );
    let measure = Memo::new(move |_| page.view.with(|view| view.measure));
    let shown = Memo::new(move |_| {
        let measure = measure.get();
        fetched.with(|fetched| {
            fetched.cloned().map(|(chart, window, group)| Shown { chart, window, group, measure })
        })
    });
    let form = Memo::new(move |_| page.view.with(|view| view.form));
    let metric = Memo::new(move |_| {
        let asked = fetched.with(|fetched| fetched.map(|(chart, ..)| chart.metric.clone()));
        let own = &which;
        // What the list knows is there before the chart is.
        asked.or_else(|| {
            page.metrics.with(|metrics| metrics?.iter().find(|one| Which::of(one) == *own).cloned())
        })
    });
    let kind = Memo::new(move |_| metric.with(|metric| metric.as_ref().map(|metric| metric.kind)));
    let body = move || match form.get() {
        Form::Points => view! { <Points /> }.into_any(),
        Form::Table => view! { <Table shown=shown /> }.into_any(),
        Form::Chart => view! {
            <Chart shown=shown />
            <Legend shown=shown />
            <Show when=move || kind.get().is_some_and(is_distribution)><Distribution shown=shown /></Show>
        }
        .into_any(),
    };
    view! {
        {move || metric.get().map(|metric| view! { <Head metric=metric /> })}
        <Forms kind=kind />
        <div class="mbody" data-testid="metric-panel">
            {move || fetched.error().map(|error| view! {
                <ErrorPanel what="This metric could not be loaded" error=error retry=move |()| fetched.retry() />
            })}
            {move || fetched.is_late().then(|| view! { <SkeletonRows rows=8 /> })}
            {body}
        </div>
    }
}

/// How points add up, in words.
fn nature(metric: &MetricSummary) -> String {
    let since = match metric.temporality {
        Temporality::Delta => Some("delta: since the last point"),
        Temporality::Cumulative => Some("cumulative: since the beginning"),
        Temporality::Unspecified => None,
    };
    let grows = match (metric.kind, metric.monotonic) {
        (api::MetricKind::Sum, true) => Some("only grows"),
        (api::MetricKind::Sum, false) => Some("goes up and down"),
        _ => None,
    };
    [Some(kind_word(metric.kind)), since, grows].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

#[component]
fn Head(metric: MetricSummary) -> impl IntoView {
    let page = expect_context::<Page>();
    let service = metric.service.clone().unwrap_or_else(|| "no service".to_owned());
    let unit = if metric.unit.is_empty() { "no unit".to_owned() } else { format!("unit {}", metric.unit) };
    let counts = format!(
        "{}, {}",
        plural(metric.series, "series", "series"),
        plural(metric.points, "point", "points")
    );
    let description = metric.description.clone();
    view! {
        <div class="mhead">
            <div class="row g3">
                <h2 class="mono cut" title=metric.name.clone() data-testid="metric-name">{metric.name.clone()}</h2>
                <span class="end"></span>
                <button type="button" class="btn icon sm bare" title="Close (Esc)" aria-label="Close" data-testid="close-metric"
                    on:click=move |_| page.show(page.view.get_untracked().at(None))><Glyph icon=Icon::Close /></button>
            </div>
            <div class="s12 t3 row g3 facts-line" data-testid="metric-nature">
                <span class="cut">{service}</span><span class="nw">{nature(&metric)}</span><span class="nw">{unit}</span><span class="nw num">{counts}</span>
            </div>
            {(!description.is_empty()).then(|| view! { <p class="s12 t2 desc">{description}</p> })}
            <Split keys=metric.attribute_keys />
        </div>
    }
}

/// By which attribute the chart is split.
#[component]
fn Split(keys: Vec<String>) -> impl IntoView {
    let page = expect_context::<Page>();
    let group = Memo::new(move |_| page.view.with(|view| view.group.clone()));
    let choose = move |key: Option<String>| {
        page.turn(MetricsView { group: key, ..page.view.get_untracked() });
    };
    (!keys.is_empty()).then(|| {
        let chip = move |key: Option<String>| {
            let (label, own) = (key.clone().unwrap_or_else(|| "all together".to_owned()), key.clone());
            let title = label.clone();
            view! {
                <button type="button" class="mono cut" title=title data-testid="metric-group"
                    aria-pressed=move || group.with(|group| *group == own).to_string()
                    on:click=move |_| choose(key.clone())>{label}</button>
            }
        };
        view! {
            <div class="split-by" role="group" aria-label="Split by">
                <span class="s11 t3">"Split by"</span>
                {chip(None)}{keys.into_iter().map(|key| chip(Some(key))).collect_view()}
            </div>
        }
    })
}

/// Chart, table or points; of a distribution also what is drawn.
#[component]
fn Forms(kind: Memo<Option<api::MetricKind>>) -> impl IntoView {
    let page = expect_context::<Page>();
    let tab = move |form: Form| {
        view! {
            <button type="button" role="tab" data-testid=format!("metric-form-{}", form.word())
                aria-selected=move || page.view.with(|view| view.form == form).to_string()
                on:click=move |_| page.turn(MetricsView { form, ..page.view.get_untracked() })
            >{form.label()}{(form == Form::Table).then(|| view! { <kbd>"a"</kbd> })}</button>
        }
    };
    let measure = move |measure: Measure| {
        view! {
            <button type="button" data-testid=format!("measure-{}", measure.word())
                aria-pressed=move || page.view.with(|view| view.measure == measure).to_string()
                on:click=move |_| page.turn(MetricsView { measure, ..page.view.get_untracked() })
            >{measure.label()}</button>
        }
    };
    let measured =
        move || kind.get().is_some_and(is_distribution) && page.view.with(|view| view.form != Form::Points);
    view! {
        <div class="tabs" role="tablist" aria-label="Forms">
            {Form::ALL.into_iter().map(tab).collect_view()}
            <span class="end"></span>
            <Show when=measured>
                <div class="seg" role="group" aria-label="Of the measurements">{Measure::ALL.into_iter().map(measure).collect_view()}</div>
            </Show>
        </div>
    }
}
