//! The navigation: the pages there are, in the order of their keys.

use leptos::prelude::*;
use leptos_router::hooks::use_location;

use super::icon::{Glyph, Icon, Logo};
use crate::app::LastTraces;
use crate::format::thousands;
use crate::provenance::{SumText, of_sum, sum_text};
use crate::today::use_today;

/// The left column, wide or as a rail.
#[component]
pub fn SideNav() -> impl IntoView {
    let LastTraces(traces) = expect_context();
    view! {
        <nav class="side" aria-label="Main">
            <div class="brand"><Logo /><span>"LLMFlow"</span></div>
            <NavLink icon=Icon::Overview label="Overview" to="/overview".to_owned() root="/overview" key_="1" testid="tab-overview" />
            <NavLink icon=Icon::Traces label="Traces" to=traces root="/traces" key_="3" testid="tab-traces" />
            <NavLink icon=Icon::Messages label="Sessions" to="/sessions".to_owned() root="/sessions" key_="4" testid="tab-sessions" />
            <NavLink icon=Icon::List label="Logs" to="/logs".to_owned() root="/logs" key_="5" testid="tab-logs" />
            <NavLink icon=Icon::Metrics label="Metrics" to="/metrics".to_owned() root="/metrics" key_="6" testid="tab-metrics" />
            <NavLink icon=Icon::Model label="Models" to="/models".to_owned() root="/models" key_="7" testid="tab-models" />
            <NavLink icon=Icon::Bars label="Analytics" to="/analytics".to_owned() root="/analytics" key_="8" testid="tab-analytics" />
            <NavLink icon=Icon::Key label="Providers" to="/providers".to_owned() root="/providers" key_="9" testid="tab-providers" />
            <div class="navsep"></div>
            <NavLink icon=Icon::Plug label="Connect" to="/connect".to_owned() root="/connect" testid="tab-connect" />
            <NavLink icon=Icon::Sliders label="Settings" to="/settings".to_owned() root="/settings" testid="tab-settings" />
            <Spent />
        </nav>
    }
}

/// Today's spend.
#[component]
fn Spent() -> impl IntoView {
    let today = use_today();
    let totals = Memo::new(move |_| {
        today.overview.with(|figures| figures.map(|figures| (figures.totals, figures.price_date.clone())))
    });
    move || {
        let (totals, date) = totals.get()?;
        let unsure = totals.not_fully_priced;
        let title = of_sum(&totals, "today", &date);
        let amount = match sum_text(&totals) {
            SumText::Amount { text, .. } => {
                view! { <span class="num b end" data-testid="nav-spend">{text}</span> }.into_any()
            }
            SumText::Unknown => {
                view! { <span class="end unknown" data-testid="nav-spend">"unknown"</span> }.into_any()
            }
            SumText::Local => {
                view! { <span class="end t3" data-testid="nav-spend">"local"</span> }.into_any()
            }
        };
        Some(view! {
            <a class="budget" href="/overview" title=title>
                <span class="row s12"><span class="t2">"Today"</span>{amount}</span>
                {(unsure > 0).then(|| view! {
                    <span class="s11 t3 num">{format!("and {} not fully priced", thousands(unsure))}</span>
                })}
            </a>
        })
    }
}

#[component]
fn NavLink(
    icon: Icon,
    label: &'static str,
    #[prop(into)] to: Signal<String>,
    root: &'static str,
    #[prop(optional)] key_: &'static str,
    testid: &'static str,
) -> impl IntoView {
    let path = use_location().pathname;
    let current = move || path.with(|path| path.starts_with(root)).then_some("page");
    let title = if key_.is_empty() { label.to_owned() } else { format!("{label} ({key_})") };
    view! {
        <a class="nav" href=move || to.get() title=title data-testid=testid aria-current=current>
            <Glyph icon=icon />
            <span>{label}</span>
            {(!key_.is_empty()).then(|| view! { <span class="k">{key_}</span> })}
        </a>
    }
}
