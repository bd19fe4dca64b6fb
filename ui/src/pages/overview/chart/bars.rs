//! The bars, their axis, and what one of them is made of under the pointer or the keyboard's focus.

use api::Totals;
use leptos::prelude::*;

use super::bar_name;
use super::stacks::Stacks;
use crate::browser::utc_offset;
use crate::calendar::Range;
use crate::format::time::Stamp;
use crate::format::{plural, quantity};
use crate::pages::overview::view::Measure;

/// Groups named in the tip.
const NAMED: usize = 5;

/// The plot.
#[component]
pub fn Plot(
    stacks: Memo<Option<Stacks>>,
    /// What each bar is compared with.
    #[prop(optional, into)]
    before: Signal<Vec<Totals>>,
) -> impl IntoView {
    let hovered = RwSignal::new(None::<usize>);
    let measure = Memo::new(move |_| {
        stacks.with(|stacks| stacks.as_ref().map_or_else(Measure::default, |stacks| stacks.view.measure))
    });
    let top = Memo::new(move |_| {
        let most = stacks.with(|stacks| stacks.as_ref().map_or(0.0, Stacks::most));
        let measure = measure.get();
        let earlier = before.with(|before| before.iter().map(|bar| measure.of(bar)).fold(0.0, f64::max));
        scale(most.max(earlier))
    });
    let count =
        Memo::new(move |_| stacks.with(|stacks| stacks.as_ref().map_or(0, |stacks| stacks.bars.len())));
    let ticks = move || {
        let (top, step) = top.get();
        let lines = (1..).map(|n| f64::from(n) * step).take_while(|at| *at <= top);
        lines
            .map(|at| {
                let text =
                    if measure.get() == Measure::Cost { tick(at, step) } else { quantity::tick(at, "") };
                view! { <span style=format!("bottom:{:.2}%", at / top * 100.0)>{text}</span> }
            })
            .collect_view()
    };
    let bars = move || {
        let count = count.get();
        (0..count)
            .map(|bar| view! { <Bar stacks=stacks before=before bar=bar top=top hovered=hovered /> })
            .collect_view()
    };
    let nothing = move || stacks.with(|stacks| stacks.as_ref().is_some_and(|stacks| stacks.most() == 0.0));
    view! {
        <div class="plot" on:mouseleave=move |_| hovered.set(None)>
            <div class="ylab" aria-hidden="true">{ticks}</div>
            <div class="bars" role="list" aria-label=move || format!("{} over time", measure.get().label())>{bars}</div>
            {move || nothing().then(|| view! {
                <p class="t3 s12 over">{match measure.get() {
                    Measure::Cost => "Nothing that was billed in this time.",
                    Measure::Tokens => "No tokens in this time.",
                    Measure::Calls => "No calls in this time.",
                }}</p>
            })}
            <Tip stacks=stacks before=before hovered=hovered />
        </div>
    }
}

#[component]
fn Bar(
    stacks: Memo<Option<Stacks>>,
    before: Signal<Vec<Totals>>,
    bar: usize,
    top: Memo<(f64, f64)>,
    hovered: RwSignal<Option<usize>>,
) -> impl IntoView {
    // The dearest group stands at the bottom.
    let parts = Memo::new(move |_| {
        let (top, _) = top.get();
        stacks.with(|stacks| {
            let Some(stacks) = stacks else { return Vec::new() };
            let whole =
                stacks.by_bar.get(bar).map_or(0.0, |totals| stacks.view.measure.of(totals)) / top * 100.0;
            let parts = stacks.stacks.iter().rev();
            parts
                .map(|stack| (whole * stacks.part(stack, bar), stack.colour))
                .filter(|(height, _)| *height > 0.0)
                .map(|(height, colour)| (format!("{height:.2}"), colour))
                .collect::<Vec<_>>()
        })
    });
    let facts = Memo::new(move |_| {
        stacks.with(|stacks| {
            let stacks = stacks.as_ref()?;
            let last = stacks.bars.len() - 1;
            let name = bar_name(stacks.view.range, stacks.bars.span(bar));
            let totals = stacks.by_bar.get(bar).copied().unwrap_or_default();
            let label = format!(
                "{name}: {}, {}",
                stacks.view.measure.text(&totals),
                plural(totals.calls, "call", "calls")
            );
            let under = axis_label(stacks.view.range, bar, last, stacks.bars.span(bar).0);
            Some((stacks.calls(None, Some(bar)), label, under, bar == last))
        })
    });
    let was = move || {
        let (top, _) = top.get();
        let measure = stacks.with(|stacks| stacks.as_ref().map(|stacks| stacks.view.measure))?;
        let was = before.with(|before| before.get(bar).map(|totals| measure.of(totals)))?;
        (was > 0.0).then_some(was / top * 100.0)
    };
    let class = move || {
        let now = facts.with(|facts| facts.as_ref().is_some_and(|facts| facts.3));
        let hot = if hovered.get() == Some(bar) { " hl" } else { "" };
        format!("bar{}{hot}", if now { " now" } else { "" })
    };
    view! {
        <a
            class=class role="listitem" data-testid="chart-bar"
            href=move || facts.with(|facts| facts.as_ref().map(|facts| facts.0.clone()))
            aria-label=move || facts.with(|facts| facts.as_ref().map(|facts| facts.1.clone()))
            on:mouseenter=move |_| hovered.set(Some(bar))
            on:focus=move |_| hovered.set(Some(bar))
            on:blur=move |_| hovered.set(None)
        >
            {move || parts.get().into_iter().map(|(height, colour)| {
                view! { <i style=format!("height:{height}%;background:{colour}")></i> }
            }).collect_view()}
            {move || was().map(|height| view! { <u class="was" style=format!("bottom:{height:.2}%")></u> })}
            {move || facts.with(|facts| facts.as_ref().and_then(|facts| facts.2.clone())).map(|text| view! { <b>{text}</b> })}
        </a>
    }
}

/// What stands under a bar, for some of them.
fn axis_label(range: Range, bar: usize, last: usize, from: i64) -> Option<String> {
    let stamp = Stamp::new(from, utc_offset(from));
    match range {
        Range::Month => (bar == last || bar.is_multiple_of(7) && bar + 3 < last).then(|| stamp.day_month()),
        Range::Quarter => {
            (bar == last || bar.is_multiple_of(14) && bar + 7 < last).then(|| stamp.day_month())
        }
        Range::Week => (bar.is_multiple_of(4)).then(|| stamp.day_month()),
        Range::Day => (bar == last || bar.is_multiple_of(6) && bar + 3 < last).then(|| stamp.short_clock()),
    }
}

/// The height of the plot in dollars, a little above the most, and the step of its lines: 1, 2 or 5 times a power
/// of ten, so that three to six lines are drawn.
fn scale(most: f64) -> (f64, f64) {
    let top = if most > 0.0 { most * 1.1 } else { 1.0 };
    let rough = top / 3.5;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0].map(|times| times * power).into_iter().rfind(|step| *step <= rough);
    (top, step.unwrap_or(power))
}

fn tick(at: f64, step: f64) -> String {
    let decimals = if step >= 1.0 { 0 } else { step.log10().floor().abs() as usize };
    match at {
        10_000.0.. => format!("${:.0}k", at / 1_000.0),
        _ => format!("${at:.decimals$}"),
    }
}

#[component]
fn Tip(
    stacks: Memo<Option<Stacks>>,
    before: Signal<Vec<Totals>>,
    hovered: RwSignal<Option<usize>>,
) -> impl IntoView {
    move || {
        let bar = hovered.get()?;
        stacks.with(|stacks| {
            let stacks = stacks.as_ref()?;
            let totals = stacks.by_bar.get(bar).copied()?;
            let mut parts: Vec<_> = stacks
                .stacks
                .iter()
                .filter_map(|stack| Some((stack, stack.by_bar.get(bar).filter(|totals| totals.calls > 0)?)))
                .collect();
            let measure = stacks.view.measure;
            parts.sort_by(|(_, one), (_, other)| measure.of(other).total_cmp(&measure.of(one)));
            let smaller = parts.split_off(parts.len().min(NAMED));
            let rows = parts
                .iter()
                .map(|(stack, totals)| view! {
                    <div class="row">
                        <i class="sw" style=format!("background:{}", stack.colour)></i>
                        <span class="cut grow">{stack.name.clone()}</span>
                        <span class="num">{measure.text(totals)}</span>
                    </div>
                })
                .collect_view();
            let rest = Totals::sum(smaller.iter().map(|(_, totals)| *totals));
            let was = before.with(|before| before.get(bar).copied());
            let side = if (bar + 1) * 2 > stacks.bars.len() {
                format!("right:{:.1}%", (stacks.bars.len() - bar) as f64 * 100.0 / stacks.bars.len() as f64)
            } else {
                format!("left:{:.1}%", (bar + 1) as f64 * 100.0 / stacks.bars.len() as f64)
            };
            let unsure = totals.not_fully_priced;
            Some(view! {
                <div class="tip-area" aria-hidden="true"><div class="tip" style=side data-testid="chart-tip">
                    <div class="row b">
                        <span class="nw">{bar_name(stacks.view.range, stacks.bars.span(bar))}</span>
                        <span class="end num">{measure.text(&totals)}</span>
                    </div>
                    {rows}
                    {(!smaller.is_empty()).then(|| view! {
                        <div class="row s11 t3"><span>{format!("{} smaller", smaller.len())}</span><span class="end num">{measure.text(&rest)}</span></div>
                    })}
                    {was.map(|was| view! {
                        <div class="row s11 t3"><span>"The time before"</span><span class="end num">{measure.text(&was)}</span></div>
                    })}
                    <div class="row s11 t3">
                        <span>{plural(totals.calls, "call", "calls")}</span>
                        {(unsure > 0).then(|| view! { <span class="end warn">{format!("{unsure} not fully priced")}</span> })}
                    </div>
                </div></div>
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{scale, tick};

    #[test]
    fn lines_are_round_and_neither_few_nor_many() {
        for most in [0.0004, 0.07, 0.9, 3.0, 29.1, 480.0, 99_000.0] {
            let (top, step) = scale(most);
            let lines = (top / step).floor();
            assert!((3.0..=8.0).contains(&lines), "{most}: {lines} lines");
            assert!(top > most);
        }
        assert_eq!(scale(29.1).1, 5.0);
    }

    #[test]
    fn ticks_have_as_many_decimals_as_they_need() {
        assert_eq!(tick(20.0, 10.0), "$20");
        assert_eq!(tick(0.2, 0.1), "$0.2");
        assert_eq!(tick(0.04, 0.02), "$0.04");
        assert_eq!(tick(20_000.0, 10_000.0), "$20k");
    }
}
