//! Small marks with a fixed meaning: a tool, a model, a call's type and its state, a cost.

use api::{CallState, CallSummary, CostSource, Money, Operation, SpanType, TraceSummary};
use leptos::prelude::*;

use super::icon::{Glyph, Icon};
use crate::colour;
use crate::format::{CostText, call_cost, money, plural, severity};

/// The two letters of a tool.
#[component]
pub fn ToolMark(client: Option<String>) -> impl IntoView {
    let tool = colour::tool(client.as_deref());
    view! { <span class=tool.class title=tool.name>{tool.letters}</span> }
}

/// A model's name with its colour.
#[component]
pub fn ModelName(name: Option<String>, provider: String) -> impl IntoView {
    match name {
        Some(name) => {
            let colour = colour::model(&name, colour::is_local(&provider));
            let title = format!("{name}, {provider}");
            view! {
                <span class="md" style=format!("--c:{colour}") title=title><span class="cut">{name}</span></span>
            }
            .into_any()
        }
        None => view! { <span class="t3">"–"</span> }.into_any(),
    }
}

/// The type of a call: its icon, the stem of its colours, its word.
pub const fn call_type(operation: Operation) -> (Icon, &'static str, &'static str) {
    match operation {
        Operation::Chat => (Icon::Model, "llm", "chat"),
        Operation::TextCompletion => (Icon::Model, "llm", "text completion"),
        Operation::Embeddings => (Icon::Embedding, "embedding", "embeddings"),
        Operation::Images => (Icon::Image, "llm", "images"),
        Operation::Audio => (Icon::Model, "llm", "speech"),
        Operation::Rerank => (Icon::Embedding, "embedding", "rerank"),
        Operation::Moderation => (Icon::Eye, "custom", "moderation"),
        Operation::Ocr => (Icon::Eye, "llm", "text from documents"),
        Operation::CountTokens => (Icon::Dots, "custom", "count tokens"),
        Operation::Models => (Icon::List, "custom", "list of models"),
        Operation::Batches => (Icon::List, "custom", "batch"),
        Operation::Files => (Icon::Copy, "custom", "files"),
        Operation::Stored => (Icon::Clock, "custom", "read again"),
        Operation::SideCall => (Icon::Plug, "custom", "side call of a tool"),
        Operation::Other => (Icon::Ring, "custom", "other"),
    }
}

/// The icon of a call's type.
#[component]
pub fn TypeMark(operation: Operation) -> impl IntoView {
    let (icon, stem, word) = call_type(operation);
    view! { <span class="ty" style=format!("color:var(--span-{stem}-ink)") title=word><Glyph icon=icon /></span> }
}

/// The type of a span: its icon, the stem of its colours, its word.
pub const fn span_type(span_type: SpanType) -> (Icon, &'static str, &'static str) {
    match span_type {
        SpanType::Llm => (Icon::Model, "llm", "call of a model"),
        SpanType::Trace => (Icon::Target, "trace", "trace"),
        SpanType::Agent => (Icon::Agent, "agent", "agent"),
        SpanType::Chain => (Icon::Chain, "chain", "chain"),
        SpanType::Tool => (Icon::Tool, "tool", "tool"),
        SpanType::Retrieval => (Icon::Retrieval, "retrieval", "retrieval"),
        SpanType::Embedding => (Icon::Embedding, "embedding", "embedding"),
        SpanType::Custom => (Icon::Square, "custom", "other"),
    }
}

/// The icon of a span's type.
#[component]
pub fn SpanMark(span_type: SpanType) -> impl IntoView {
    let (icon, stem, word) = self::span_type(span_type);
    view! { <span class="ty" style=format!("color:var(--span-{stem}-ink)") title=word><Glyph icon=icon /></span> }
}

/// What a trace's calls cost together.
#[component]
pub fn TraceCost(trace: TraceSummary, decimals: u32) -> impl IntoView {
    if trace.calls == 0 {
        return view! { <span class="t3" title="No call of a model">"–"</span> }.into_any();
    }
    let calls = plural(trace.calls, "call", "calls");
    if trace.unpriced >= trace.calls {
        let title = format!("No price or no token count is known of any of {calls}");
        return view! { <span class="unknown" title=title>"unknown"</span> }.into_any();
    }
    let unpriced = trace.unpriced > 0;
    let title = match unpriced {
        true => format!("{calls}, {} of them not priced", trace.unpriced),
        false => format!("{calls} together"),
    };
    view! {
        <span class="num" title=title>
            {unpriced.then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> })}
            {money(trace.cost, decimals)}
        </span>
    }
    .into_any()
}

/// How a call stands: icon, word, class.
pub fn state_mark(call: &CallSummary) -> (Icon, String, &'static str) {
    let refused = call.status.is_some_and(|status| status >= 400);
    match call.state {
        CallState::Open => (Icon::Play, "in flight".to_owned(), "info"),
        CallState::Complete if refused => (Icon::Octagon, status_word(call), "err"),
        CallState::Complete => (Icon::Check, status_word(call), "t3"),
        CallState::UpstreamError => (Icon::Octagon, status_word(call), "err"),
        CallState::Truncated => (Icon::Octagon, "cut off".to_owned(), "err"),
        CallState::Cancelled => (Icon::Struck, "client left".to_owned(), "unk"),
        CallState::Unreachable => (Icon::Octagon, "no upstream".to_owned(), "err"),
        CallState::Lost => (Icon::Triangle, "end not known".to_owned(), "warn"),
    }
}

fn status_word(call: &CallSummary) -> String {
    match call.status {
        Some(status) if status >= 400 => format!("error {status}"),
        Some(_) if call.state == CallState::UpstreamError => "error in stream".to_owned(),
        Some(status) => format!("{status} complete"),
        None => "complete".to_owned(),
    }
}

/// What a row says beside its title when the call did not go well: words, not just red.
pub fn trouble(call: &CallSummary) -> Option<(String, &'static str)> {
    let (_, word, class) = state_mark(call);
    match class {
        "err" => Some((call.error.clone().unwrap_or(word), "err")),
        "warn" => Some((word, "warn")),
        "unk" => Some((word, "t3")),
        _ => None,
    }
}

/// The state as icon only, for a row; the word is its name.
#[component]
pub fn StateIcon(icon: Icon, word: String, class: &'static str) -> impl IntoView {
    view! { <span class=format!("st {class}") title=word.clone() role="img" aria-label=word><Glyph icon=icon /></span> }
}

/// The state as icon and word.
#[component]
pub fn StatePill(call: CallSummary) -> impl IntoView {
    let (icon, word, class) = state_mark(&call);
    let ground = match class {
        "t3" => "ok",
        "unk" => "",
        class => class,
    };
    view! { <span class=format!("pill {ground}") data-testid="call-state"><Glyph icon=icon small=true />{word}</span> }
}

/// One call's cost as a column shows it.
#[component]
pub fn CostCell(cost: Option<Money>, source: CostSource, open: bool) -> impl IntoView {
    match call_cost(cost, source, open) {
        CostText::Amount { text, partial } => view! {
            <span class="num" title=provenance(source)>
                {partial.then(|| view! { <span class="part"><Glyph icon=Icon::Half small=true /></span> })}
                {text}
            </span>
        }
        .into_any(),
        CostText::Unknown => {
            view! { <span class="unknown" title=provenance(source)>"unknown"</span> }.into_any()
        }
        CostText::Local => view! { <span class="t3" title=provenance(source)>"local"</span> }.into_any(),
        CostText::Plan => view! { <span class="t3" title=provenance(source)>"plan"</span> }.into_any(),
        CostText::None => view! { <span class="t3" title=provenance(source)>"–"</span> }.into_any(),
    }
}

/// Why an amount is believed.
pub const fn provenance(source: CostSource) -> &'static str {
    match source {
        CostSource::Provider => "The provider said what it charged",
        CostSource::Computed => "Tokens reported by the provider, times the price table",
        CostSource::Partial => "Partial: not all tokens were reported, or something in it has no known price",
        CostSource::Estimated => "Estimated: tokens counted from the text, times the price table",
        CostSource::Reported => "The tool that made the call said what it cost",
        CostSource::Local => "Runs on your own hardware; there is no price",
        CostSource::NotBilled => "Not billed",
        CostSource::Subscription => "A subscription pays for this call: nothing is spent on it",
        CostSource::Unknown => "No price or no token count is known",
    }
}

/// How severe a log record is, as icon and word.
#[component]
pub fn SeverityMark(severity: u8) -> impl IntoView {
    let (icon, class) = match severity {
        17.. => (Icon::Octagon, "err"),
        13..17 => (Icon::Triangle, "warn"),
        9..13 => (Icon::Ring, "info"),
        _ => (Icon::Dots, "t3"),
    };
    let title = format!("Severity {severity} of 24");
    view! { <span class=format!("sev row g2 {class}") title=title><Glyph icon=icon small=true />{severity::word(severity)}</span> }
}
