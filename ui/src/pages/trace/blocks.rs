//! Blocks that open: several messages in one line, and the tools that were offered.

use api::ToolDefinition;
use leptos::prelude::*;

use super::buckets::Share;
use crate::components::code::Code;
use crate::components::icon::{Glyph, Icon};
use crate::format::{plural, thousands};

/// An estimated number of tokens.
pub fn tokens(share: Share) -> impl IntoView {
    share.tokens.map(|tokens| {
        view! {
            <span class="end num t3" title="Tokens, estimated from the share of the text">"~"{thousands(tokens)}</span>
        }
    })
}

/// One line that opens to its children.
#[component]
pub fn Fold(
    icon: Icon,
    label: String,
    #[prop(optional)] quote: String,
    share: Share,
    testid: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let (class, words) = share.bucket.shown();
    let arrow = Signal::derive(move || if open.get() { Icon::ChevronDown } else { Icon::ChevronRight });
    view! {
        <button
            type="button" class=format!("fold {class}") title=words data-testid=testid
            aria-expanded=move || open.get().to_string() on:click=move |_| open.update(|open| *open = !*open)
        >
            <Glyph icon=arrow small=true /><Glyph icon=icon small=true />
            <span class="nw">{label}</span><span class="t3 cut">{quote}</span>
            {tokens(share)}
        </button>
        <Show when=move || open.get()>
            <div class="unfolded">{children()}</div>
        </Show>
    }
}

/// The tools, each with what it says of itself and its schema.
#[component]
pub fn Tools(tools: Vec<ToolDefinition>, share: Share) -> impl IntoView {
    let label = plural(tools.len() as u64, "tool", "tools");
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).take(12).collect();
    let quote = names.join(", ");
    let tools = StoredValue::new(tools);
    view! {
        <Fold icon=Icon::Tool label=label quote=quote share=share testid="fold-tools">
            {move || tools.get_value().into_iter().map(|tool| view! { <OneTool tool=tool class=share.bucket.shown().0 /> }).collect_view()}
        </Fold>
    }
}

#[component]
fn OneTool(tool: ToolDefinition, class: &'static str) -> impl IntoView {
    let open = RwSignal::new(false);
    let schema = tool.schema.clone();
    let has_schema = schema.is_some();
    view! {
        <div class=format!("ms {class}")>
            <div class="mh">
                <span class="mono t1">{tool.name}</span>
                {has_schema.then(|| view! {
                    <button type="button" class="more flat" on:click=move |_| open.update(|open| *open = !*open)>
                        {move || if open.get() { "Hide schema" } else { "Schema" }}
                    </button>
                })}
            </div>
            <p class="th">{tool.description}</p>
            <Show when=move || open.get()><Code text=schema.clone().unwrap_or_default() /></Show>
        </div>
    }
}
