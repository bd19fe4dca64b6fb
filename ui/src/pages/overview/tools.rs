//! What each tool cost today.

use api::ToolTotal;
use leptos::prelude::*;

use super::Page;
use super::panel::{Figured, Nothing};
use crate::colour;
use crate::components::marks::ToolMark;
use crate::components::sum::SumCell;
use crate::format::{plural, thousands};

const ROWS: usize = 6;

/// The panel.
#[component]
pub fn Tools() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(|figures| {
        let count = figures.tool_count;
        let rows = if count > ROWS as u64 { ROWS - 1 } else { ROWS };
        let shown: Vec<ToolTotal> = figures.tools.iter().take(rows).cloned().collect();
        (count.saturating_sub(shown.len() as u64), shown, figures.price_date.clone())
    });
    view! {
        <section class="panel at-tools" data-testid="tools">
            <div class="phead">
                <h2>"Cost by tool"</h2><span class="sub">"today"</span>
                <span class="end s11 t3">"calls"</span><span class="s11 t3 r head-cost">"cost"</span>
            </div>
            <Figured part=part what="Tools could not be loaded" draw=|(more, tools, date)| {
                if tools.is_empty() {
                    return view! { <Nothing text="No call today." /> }.into_any();
                }
                let most = tools.iter().map(|tool| tool.totals.cost.pico()).max().unwrap_or(0).max(1);
                let rows = tools.into_iter().map(|tool| view! { <Row tool=tool most=most date=date.clone() /> });
                view! {
                    <div class="tbl cols-tools">
                        {rows.collect_view()}
                        {(more > 0).then(|| view! { <div class="tr t3">{format!("and {}", plural(more, "more", "more"))}</div> })}
                    </div>
                }
                .into_any()
            } />
        </section>
    }
}

#[component]
fn Row(tool: ToolTotal, most: i64, date: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let totals = tool.totals;
    let name = colour::tool(tool.client.as_deref()).name;
    let href = page.calls(|view| view.filter.client = Some(tool.client.clone().unwrap_or_default()));
    let width = totals.cost.pico() as f64 * 100.0 / most as f64;
    view! {
        <div class="tr" data-testid="tool-row">
            <a class="row g3" href=href.clone() title=name.clone()><ToolMark client=tool.client /><span class="cut">{name.clone()}</span></a>
            <span class="track thick" aria-hidden="true"><i style=format!("width:{width:.1}%")></i></span>
            <span class="num r t3">{thousands(totals.calls)}</span>
            <span class="m r"><SumCell totals=totals when=format!("of {name} today") price_date=date href=href /></span>
        </div>
    }
}
