//! One side of the exchange: its first line, its headers, its body.

use api::{BodyInfo, BodySide, CallDetail, CallId, Header};
use leptos::prelude::*;

use super::body::Body;
use super::headers::Headers;
use crate::format::bytes;

/// The request, or the response; of a translated call as the client knows it or as the provider does.
#[component]
pub fn Side(call: CallDetail, side: BodySide) -> impl IntoView {
    let request = matches!(side, BodySide::Request | BodySide::ClientRequest);
    if call.translated.is_none() {
        return view! { <Message said=Said::of(&call, side) /> }.into_any();
    }
    let (client, provider, label) = match request {
        true => {
            (BodySide::ClientRequest, BodySide::Request, ["As the client sent it", "As the provider got it"])
        }
        false => (
            BodySide::ClientResponse,
            BodySide::Response,
            ["As the client got it", "As the provider sent it"],
        ),
    };
    let shown = RwSignal::new(client);
    let buttons = [client, provider].into_iter().zip(label).map(|(side, label)| {
        let testid = if side == client { "side-client" } else { "side-provider" };
        let pressed = move || (shown.get() == side).to_string();
        view! {
            <button type="button" data-testid=testid aria-pressed=pressed on:click=move |_| shown.set(side)>{label}</button>
        }
    });
    view! {
        <div class="seg" role="group" aria-label="Whose side" data-testid="translated-sides">{buttons.collect_view()}</div>
        {move || view! { <Message said=Said::of(&call, shown.get()) /> }}
    }
    .into_any()
}

/// One side of the exchange as it is shown.
struct Said {
    call: CallId,
    side: BodySide,
    first: String,
    /// The host that is asked.
    to: Option<String>,
    /// `None`: those of the client, where the call was translated.
    headers: Option<Vec<Header>>,
    info: BodyInfo,
}

impl Said {
    fn of(call: &CallDetail, side: BodySide) -> Self {
        let row = &call.summary;
        let translated = call.translated.as_deref();
        let version = &call.http_version;
        let query = call.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        let status = |status: Option<u16>| match status {
            Some(status) => format!("{version} {status}"),
            None => row.error.clone().unwrap_or_else(|| "The upstream sent no status.".to_owned()),
        };
        let upstream = Some(call.upstream.clone());
        let (first, to, headers, info) = match (side, translated) {
            (BodySide::Request, None) => {
                let line = format!("{} {}{query} {version}", row.method, row.path);
                (line, upstream, Some(call.request_headers.clone()), call.request_body.clone())
            }
            (BodySide::Request, Some(translated)) => {
                let line = format!("{} {}", row.method, translated.upstream_path);
                (line, upstream, None, call.request_body.clone())
            }
            (BodySide::ClientRequest, translated) => {
                let line = format!("{} {}{query} {version}", row.method, row.path);
                let info = translated.map(|translated| translated.request_body.clone()).unwrap_or_default();
                (line, None, Some(call.request_headers.clone()), info)
            }
            (BodySide::Response, _) => {
                (status(row.status), None, Some(call.response_headers.clone()), call.response_body.clone())
            }
            (BodySide::ClientResponse, translated) => {
                let translated = translated.cloned().unwrap_or_default();
                (status(translated.status), None, Some(translated.response_headers), translated.response_body)
            }
        };
        Self { call: row.id, side, first, to, headers, info }
    }
}

#[component]
fn Message(said: Said) -> impl IntoView {
    let Said { call, side, first, to, headers, info } = said;
    let testid = match side {
        BodySide::Request | BodySide::ClientRequest => "trace-request",
        BodySide::Response | BodySide::ClientResponse => "trace-response",
    };
    let to = to.map(|host| view! { <span class="t3">"to "{host}</span> });
    let headers = headers.map(|headers| view! { <h3>"Headers"</h3><Headers headers=headers /> });
    view! {
        <div class="http" data-testid=testid>
            <div class="firstline mono row"><span class="cut" title=first>{first.clone()}</span>{to}</div>
            {headers}
            <h3 class="row">"Body"<span class="t3 s12 about-body cut">{described(&info)}</span></h3>
            <Body id=call side=side info=info />
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
