//! One side of the exchange: its first line, its headers, its body.

use api::{BodyInfo, BodySide, CallDetail};
use leptos::prelude::*;

use super::body::Body;
use super::headers::Headers;
use crate::format::bytes;

/// The request, or the response.
#[component]
pub fn Side(call: CallDetail, side: BodySide) -> impl IntoView {
    let row = &call.summary;
    let (first, headers, info, testid) = match side {
        BodySide::Request => {
            let query = call.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
            let line = format!("{} {}{query} {}", row.method, row.path, call.http_version);
            (line, call.request_headers.clone(), call.request_body.clone(), "trace-request")
        }
        BodySide::Response => {
            let line = match row.status {
                Some(status) => format!("{} {status}", call.http_version),
                None => row.error.clone().unwrap_or_else(|| "The upstream sent no status.".to_owned()),
            };
            (line, call.response_headers.clone(), call.response_body.clone(), "trace-response")
        }
    };
    let to = matches!(side, BodySide::Request)
        .then(|| view! { <span class="t3">"to "{call.upstream.clone()}</span> });
    view! {
        <div class="http" data-testid=testid>
            <div class="firstline mono row"><span class="cut" title=first>{first.clone()}</span>{to}</div>
            <h3>"Headers"</h3>
            <Headers headers=headers />
            <h3 class="row">"Body"<span class="t3 s12 about-body cut">{described(&info)}</span></h3>
            <Body id=row.id side=side info=info />
        </div>
    }
}

/// What is known of a body, in words.
fn described(info: &BodyInfo) -> String {
    let mut words = Vec::new();
    words.extend(info.content_type.clone());
    words.push(bytes(info.stored_bytes));
    if let Some(encoding) = &info.encoding {
        words.push(format!("{} as {encoding} on the wire", bytes(info.wire_bytes)));
    }
    if info.cut {
        words.push("only its beginning is kept".to_owned());
    }
    if info.inexact {
        words.push("a credential was cut out".to_owned());
    }
    words.join(" · ")
}
