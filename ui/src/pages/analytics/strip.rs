//! The figures that come first: what the chosen time came to, beside the time before.

use api::Totals;
use leptos::prelude::*;

use super::Page;
use super::figures::Figures;
use crate::filter::View;
use crate::format::{money, percent, short, thousands};
use crate::pages::overview::view::amount;
use crate::provenance::{change, of_sum};
use crate::today::use_today;

/// The strip.
#[component]
pub fn Strip() -> impl IntoView {
    let page = expect_context::<Page>();
    let today = use_today();
    let date = Memo::new(move |_| {
        today.overview.with(|figures| figures.map(|figures| figures.price_date.clone()).unwrap_or_default())
    });
    move || {
        page.figures.with(|figures| {
            let figures = figures.as_ref()?;
            let (now, before, compare) = (figures.stacks.total, figures.before, figures.view.compare);
            let label = figures.view.chart.range.label();
            let (from, to) = figures.stacks.bars.window();
            let calls = move |narrow: fn(&mut View)| {
                let mut view = View::default();
                (view.filter.from_ms, view.filter.to_ms) = (Some(from), Some(to));
                narrow(&mut view);
                view.address()
            };
            let tokens = |totals: &Totals| totals.usage.total().unwrap_or(0);
            let prompt = now.usage.prompt_total().unwrap_or(0);
            let cached = percent(now.usage.cache_read.unwrap_or(0), prompt);
            let unsure = now.not_fully_priced;
            Some(view! {
                <section class="panel anl-strip" aria-label="In all" data-testid="analytics-strip">
                    <Figure label="Cost" text=amount(&now) title=of_sum(&now, &format!("in {label}"), &date.get())
                        href=calls(|_| ()) now=now.cost.pico() before=compare.then_some((before.cost.pico(), amount(&before)))
                        note=(unsure > 0).then(|| format!("{} not fully priced", thousands(unsure))) />
                    <Figure label="Tokens" text=short(tokens(&now)) title=token_words(&now)
                        href=calls(|_| ()) now=signed(tokens(&now)) before=compare.then(|| (signed(tokens(&before)), short(tokens(&before))))
                        note=(prompt > 0).then(|| format!("{cached} of the prompt from caches")) />
                    <Figure label="Calls" text=thousands(now.calls) title="Calls begun in this time; side calls are not among them".to_owned()
                        href=calls(|_| ()) now=signed(now.calls) before=compare.then(|| (signed(before.calls), thousands(before.calls)))
                        note=None />
                    <Figure label="Errors" text=thousands(now.errors)
                        title="Status from 400, cut answers, errors inside streams, no upstream, lost records".to_owned()
                        href=calls(|view| view.filter.outcome = Some(api::Outcome::Error)) now=signed(now.errors)
                        before=compare.then(|| (signed(before.errors), thousands(before.errors)))
                        note=(now.errors > 0).then(|| format!("{} of calls", percent(now.errors, now.calls))) />
                    <Figure label="Saved by caches" text=money(now.saved, 2)
                        title="Cached input at the uncached price, less what it cost, less what writing it cost over that price".to_owned()
                        href=calls(|view| view.filter.bucket = Some(api::Bucket::CacheRead)) now=now.saved.pico()
                        before=compare.then(|| (before.saved.pico(), money(before.saved, 2)))
                        note=(now.saved_unknown > 0).then(|| format!("unknown of {}", thousands(now.saved_unknown))) />
                </section>
            })
        })
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn token_words(totals: &Totals) -> String {
    let usage = &totals.usage;
    let told = |count: Option<u64>| count.map_or_else(|| "unknown".to_owned(), thousands);
    format!(
        "As providers reported them: {} uncached input, {} from caches, {} and {} written to caches (5 minutes, 1 hour), \
         {} output, of which {} reasoning. {} calls of which only a part is known, {} estimated.",
        told(usage.input),
        told(usage.cache_read),
        told(usage.cache_write_5m),
        told(usage.cache_write_1h),
        told(usage.output),
        told(usage.reasoning),
        thousands(totals.partial),
        thousands(totals.estimated),
    )
}

#[component]
fn Figure(
    label: &'static str,
    text: String,
    title: String,
    href: String,
    now: i64,
    before: Option<(i64, String)>,
    note: Option<String>,
) -> impl IntoView {
    let compared = before.map(|(was, text)| {
        let turn = change(now, was);
        view! {
            <span class="num t2" title="The time before, as far as it was over by this time of the day">
                {if was == 0 { "nothing before".to_owned() } else {
                    format!("{} against {text}", turn.map(changed).unwrap_or_default())
                }}
            </span>
        }
    });
    view! {
        <a class="kf" href=href title=title>
            <div class="lab">{label}</div>
            <div class="kfig num">{text}</div>
            <div class="cap">{compared}</div>
            <div class="cap t3 cut">{note}</div>
        </a>
    }
}

/// More or less than before, as a sign and a word: no colour, since more is neither good nor bad.
pub fn changed(percent: i64) -> String {
    match percent {
        0 => "same".to_owned(),
        1_000.. => "over 10×".to_owned(),
        more if more > 0 => format!("+{more}%"),
        less => format!("−{}%", less.unsigned_abs()),
    }
}

impl Figures {
    /// The change of a row as a figure.
    pub fn changed(&self, now: &Totals, before: &Totals) -> String {
        match (self.view.change(now, before), now.calls, before.calls) {
            (_, _, 0) => "new".to_owned(),
            (_, 0, _) => "gone".to_owned(),
            (Some(percent), ..) => changed(percent),
            (None, ..) => "–".to_owned(),
        }
    }
}
