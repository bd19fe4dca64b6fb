//! A table of headers. Credentials are fingerprints already; a key marks them.

use api::Header;
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::curl::has_fingerprint;

/// The headers in the order they came.
#[component]
pub fn Headers(headers: Vec<Header>) -> impl IntoView {
    if headers.is_empty() {
        return view! { <p class="t3 s12 none">"No headers."</p> }.into_any();
    }
    let rows = headers
        .into_iter()
        .map(|header| {
            let key = has_fingerprint(&header.value).then(|| {
                view! {
                    <span class="keymark" title="A credential: only its fingerprint is kept" role="img" aria-label="Credential">
                        <Glyph icon=Icon::Key small=true />
                    </span>
                }
            });
            view! { <tr><th scope="row">{header.name}</th><td>{key}{header.value}</td></tr> }
        })
        .collect_view();
    view! { <table class="heads" data-testid="headers"><tbody>{rows}</tbody></table> }.into_any()
}
