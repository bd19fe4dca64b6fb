//! Today's errors by cause.

use api::{CallState, ErrorCause, Outcome};
use leptos::prelude::*;

use super::Page;
use super::panel::{Figured, Nothing};
use crate::browser::utc_offset;
use crate::components::icon::{Glyph, Icon};
use crate::format::thousands;
use crate::format::time::Stamp;

const ROWS: usize = 6;

/// The panel.
#[component]
pub fn Errors() -> impl IntoView {
    let page = expect_context::<Page>();
    let part = page.part(|figures| {
        let shown: Vec<ErrorCause> = figures.errors.iter().take(ROWS).cloned().collect();
        (shown, figures.error_cause_count)
    });
    let more = move || {
        let causes = part.with(|part| part.as_ref().map_or(0, |(_, causes)| *causes));
        (causes > ROWS as u64).then(|| format!(", {ROWS} of {causes} causes"))
    };
    view! {
        <section class="panel at-errs" data-testid="errors">
            <div class="phead"><h2>"Errors"</h2><span class="sub nw">"today, grouped by cause"{more}</span></div>
            <Figured part=part what="Errors could not be loaded" draw=|(causes, _)| {
                if causes.is_empty() {
                    return view! { <Nothing text="None today." /> }.into_any();
                }
                let rows = causes.into_iter().map(|cause| view! { <Row cause=cause /> });
                view! { <div class="tbl cols-errs">{rows.collect_view()}</div> }.into_any()
            } />
        </section>
    }
}

/// The status, or how the call ended where the status says nothing.
fn code(cause: &ErrorCause) -> String {
    match (cause.status, cause.state) {
        (Some(status), _) if status >= 400 => status.to_string(),
        (_, CallState::UpstreamError) => "stream".to_owned(),
        (_, CallState::Truncated) => "cut".to_owned(),
        (_, CallState::Unreachable) => "no host".to_owned(),
        (_, CallState::Lost) => "lost".to_owned(),
        (_, CallState::Open | CallState::Complete | CallState::Cancelled) => "error".to_owned(),
    }
}

#[component]
fn Row(cause: ErrorCause) -> impl IntoView {
    let page = expect_context::<Page>();
    let href = page.calls(|view| {
        let filter = &mut view.filter;
        (filter.outcome, filter.state, filter.status) =
            (Some(Outcome::Error), Some(cause.state), cause.status);
        filter.error_kind = Some(cause.kind.clone().unwrap_or_default());
        filter.model = Some(cause.model.clone().unwrap_or_default());
    });
    let code = code(&cause);
    let kind = cause.kind.unwrap_or_else(|| "no reason given".to_owned());
    let model = cause.model.unwrap_or_else(|| "no model".to_owned());
    let latest = Stamp::new(cause.last_ms, utc_offset(cause.last_ms));
    let title = format!(
        "{code} {kind}, {model}: {} today, the latest at {} ({} UTC)",
        thousands(cause.calls),
        latest.clock(),
        Stamp::new(cause.last_ms, 0).iso()
    );
    view! {
        <a class="tr" href=href title=title data-testid="error-row">
            <span class="row g3 err"><Glyph icon=Icon::Octagon /><span class="mono s12">{code}</span></span>
            <span class="cut">{kind}</span>
            <span class="cut t3">{model}</span>
            <span class="num r">{thousands(cause.calls)}</span>
            <span class="num r t3">{latest.short_clock()}</span>
        </a>
    }
}
