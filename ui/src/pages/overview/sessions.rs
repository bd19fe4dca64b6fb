//! Today's sessions, dearest first.

use api::SessionTotal;
use leptos::prelude::*;

use super::Page;
use super::panel::{Figured, Nothing};
use crate::components::marks::ToolMark;
use crate::components::sum::SumCell;
use crate::format::{percent, plural, thousands};

const ROWS: usize = 6;

/// The panel.
#[component]
pub fn Sessions() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(|figures| {
        let shown: Vec<SessionTotal> = figures.sessions.iter().take(ROWS).cloned().collect();
        (shown, figures.session_count, figures.price_date.clone())
    });
    let more = move || {
        let count = part.with(|part| part.as_ref().map_or(0, |(_, count, _)| *count));
        (count > ROWS as u64).then(|| format!(", {ROWS} of {}", thousands(count)))
    };
    view! {
        <section class="panel at-sess" data-testid="sessions">
            <div class="phead">
                <h2>"Sessions today"</h2><span class="sub nw">"by cost"{more}</span>
                <span class="end s11 t3 nw">"cache read"</span><span class="s11 t3 r head-cost">"cost"</span>
            </div>
            <Figured part=part what="Sessions could not be loaded" draw=|(sessions, _, date)| {
                if sessions.is_empty() {
                    return view! { <Nothing text="No call of today names a session." /> }.into_any();
                }
                let rows = sessions.into_iter().map(|session| view! { <Row session=session date=date.clone() /> });
                view! { <div class="tbl cols-sess">{rows.collect_view()}</div> }.into_any()
            } />
        </section>
    }
}

#[component]
fn Row(session: SessionTotal, date: String) -> impl IntoView {
    let page = expect_context::<Page>();
    let totals = session.totals;
    let href = page.calls(|view| view.filter.session_id = Some(session.id.clone()));
    let name = session.title.clone().unwrap_or_else(|| session.id.clone());
    let cached = match totals.usage.prompt_total() {
        Some(prompt) if prompt > 0 => percent(totals.usage.cache_read.unwrap_or(0), prompt),
        _ => "–".to_owned(),
    };
    let title = format!(
        "{name}\n{} of {} today",
        plural(totals.turns, "chat turn", "chat turns"),
        plural(totals.calls, "call", "calls")
    );
    view! {
        <div class="tr" data-testid="session-row">
            <ToolMark client=session.client />
            <a class="row" href=href.clone() title=title>
                <span class="cut m">{name}</span>
                <span class="nw t3">{plural(totals.turns, "turn", "turns")}</span>
            </a>
            <span class="num r t3">{cached}</span>
            <span class="m r"><SumCell totals=totals when="of this session today" price_date=date href=href /></span>
        </div>
    }
}
