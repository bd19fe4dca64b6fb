//! Today's tokens and their cost by bucket: two bars and a table.

use api::{Bucket, Money, Totals};
use leptos::prelude::*;

use super::Page;
use super::panel::Figured;
use crate::components::cost::bucket;
use crate::components::sum::SumCell;
use crate::format::{money, short, thousands};

/// A bucket, its tokens, its cost.
type Line = (Bucket, u64, Money);

/// The panel.
#[component]
pub fn Buckets() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(|figures| (figures.totals, figures.price_date.clone()));
    view! {
        <section class="panel at-buckets" data-testid="buckets">
            <div class="phead">
                <h2>"Tokens by bucket"</h2><span class="sub">"today"</span>
                <span class="end s11 t3">"tokens"</span><span class="s11 t3 r head-cost">"cost"</span>
            </div>
            <Figured part=part what="The buckets could not be loaded" draw=|(totals, date)| {
                view! { <Table totals=totals date=date /> }.into_any()
            } />
        </section>
    }
}

fn lines(totals: &Totals) -> [Line; 5] {
    let (usage, costs) = (&totals.usage, &totals.costs);
    [
        (Bucket::Input, usage.input.unwrap_or(0), costs.input),
        (Bucket::CacheRead, usage.cache_read.unwrap_or(0), costs.cache_read),
        (Bucket::CacheWrite5m, usage.cache_write_5m.unwrap_or(0), costs.cache_write_5m),
        (Bucket::CacheWrite1h, usage.cache_write_1h.unwrap_or(0), costs.cache_write_1h),
        (Bucket::Output, usage.output.unwrap_or(0), costs.output),
    ]
}

#[component]
fn Table(totals: Totals, date: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let lines = lines(&totals);
    let tokens: Vec<(Bucket, u64)> = lines.iter().map(|(bucket, tokens, _)| (*bucket, *tokens)).collect();
    let costs: Vec<(Bucket, u64)> =
        lines.iter().map(|(bucket, _, cost)| (*bucket, cost.pico().unsigned_abs() / 1_000)).collect();
    let other = totals.cost.saturating_sub(totals.costs.total());
    let reasoning = totals.usage.reasoning.filter(|tokens| *tokens > 0);
    let rows = lines.map(|line| view! { <Row line=line /> }).collect_view();
    view! {
        <div class="pbody flush">
            <div class="stacks">
                <Stack name="Tokens" parts=tokens />
                <Stack name="Cost" parts=costs />
            </div>
            <div class="tbl cols-buckets">
                {rows}
                {reasoning.map(|tokens| view! {
                    <a class="tr dense" href=page.calls(|view| view.filter.bucket = Some(Bucket::Reasoning))>
                        <span class="row t3 inner"><i class="sw" style="background:var(--b-reason)"></i>"of which reasoning"</span>
                        <span class="num r t3" title=thousands(tokens)>{short(tokens)}</span><span></span>
                    </a>
                })}
                {(other.pico() != 0).then(|| view! {
                    <div class="tr dense" title="Web searches, and what providers charged without saying for which tokens">
                        <span class="row"><i class="sw" style="background:var(--m-other)"></i><span class="cut">"Not by bucket"</span></span>
                        <span></span><span class="num r m">{money(other, 2)}</span>
                    </div>
                })}
                <div class="tr dense tot last">
                    <span class="m">"Total"</span>
                    <span class="num r" title=thousands(totals.usage.total().unwrap_or(0))>{short(totals.usage.total().unwrap_or(0))}</span>
                    <span class="b r"><SumCell totals=totals when="today" price_date=date href=page.calls(|_| ()) /></span>
                </div>
            </div>
        </div>
    }
}

#[component]
fn Stack(name: &'static str, parts: Vec<(Bucket, u64)>) -> impl IntoView {
    let bars = parts
        .into_iter()
        .filter(|(_, share)| *share > 0)
        .map(|(part, share)| view! { <i style=format!("flex:{share};background:{}", bucket(part.as_str()).1)></i> })
        .collect_view();
    view! { <div class="row g5"><span class="s11 t3 what">{name}</span><div class="stack grow" aria-hidden="true">{bars}</div></div> }
}

#[component]
fn Row(line: Line) -> impl IntoView {
    let page = expect_context::<Page>();
    let (key, tokens, cost) = line;
    let (name, colour) = bucket(key.as_str());
    let shown = if tokens == 0 && cost.pico() == 0 { "–".to_owned() } else { money(cost, 2) };
    view! {
        <a class="tr dense" href=page.calls(|view| view.filter.bucket = Some(key)) data-testid=format!("bucket-{}", key.as_str())
            title=format!("{} tokens as providers reported; their cost where it is known by bucket", thousands(tokens))>
            <span class="row"><i class="sw" style=format!("background:{colour}")></i><span class="cut">{name}</span></span>
            <span class="num r t2">{short(tokens)}</span><span class="num r m">{shown}</span>
        </a>
    }
}
