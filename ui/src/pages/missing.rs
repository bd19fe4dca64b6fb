//! An address without a page.

use leptos::prelude::*;

use crate::components::top_bar::TopBar;

/// Says that there is nothing here, and where to go.
#[component]
pub fn Missing() -> impl IntoView {
    view! {
        <TopBar><h1>"Not found"</h1></TopBar>
        <div class="blank">
            <h2>"There is no page at this address"</h2>
            <p class="t2">"It may belong to another version of LLMFlow."</p>
            <a class="btn" href="/traces">"Go to Traces"</a>
        </div>
    }
}
