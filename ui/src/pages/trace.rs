//! stub
use leptos::prelude::*;
#[component]
pub fn Trace() -> impl IntoView {
    view! { <h1>"x"</h1> }
}
