//! One message: each of its parts as a block of its own.

use api::{Conversation, Message, Part, Role};
use leptos::prelude::*;

use super::blocks::tokens;
use super::buckets::{Share, part_weight, spread};
use super::diff::{Line, headline, of_arguments};
use crate::components::code::{Code, FoldedText};
use crate::components::icon::{Glyph, Icon};
use crate::format::bytes;

/// The message. `talk` gives results the names of their calls.
#[component]
pub fn MessageBlock(message: Message, share: Share, talk: StoredValue<Conversation>) -> impl IntoView {
    let weights: Vec<usize> = message.parts.iter().map(part_weight).collect();
    let parts = spread(&weights, share.tokens);
    let (class, words) = share.bucket.shown();
    let role = message.role;
    message
        .parts
        .into_iter()
        .zip(parts)
        .map(|(part, counted)| {
            let share = Share { tokens: counted, ..share };
            let testid = testid(&part);
            view! {
                <article class=format!("ms {class}") title=words data-testid=testid>
                    {part_view(part, role, share, talk)}
                </article>
            }
        })
        .collect_view()
}

const fn testid(part: &Part) -> &'static str {
    match part {
        Part::Text { .. } => "part-text",
        Part::Thinking { .. } => "part-thinking",
        Part::ToolCall { .. } => "part-tool-call",
        Part::ToolResult { .. } => "part-tool-result",
        Part::Media { .. } => "part-media",
        Part::Refusal { .. } => "part-refusal",
        Part::Other { .. } => "part-other",
    }
}

fn part_view(part: Part, role: Role, share: Share, talk: StoredValue<Conversation>) -> AnyView {
    match part {
        Part::Text { text } => {
            let (icon, who) = speaker(role);
            view! { {head(icon, who, share)}<FoldedText text=text /> }.into_any()
        }
        Part::Thinking { text } => view! { <Thinking text=text share=share /> }.into_any(),
        Part::ToolCall { name, arguments, .. } => call_view(name, arguments, share),
        Part::ToolResult { id, text, error } => {
            let call = talk.with_value(|talk| id.as_deref().and_then(|id| find_call(talk, id)));
            result_view(call, text, error, share)
        }
        Part::Media { kind, media_type, bytes: size, url } => {
            let mut words = vec![kind];
            words.extend(media_type);
            words.extend(size.map(bytes));
            words.extend(url);
            let text = words.join(" · ");
            view! {
                <div class="mh"><Glyph icon=Icon::Image small=true /><span class="cut">{text}</span>{tokens(share)}</div>
            }
            .into_any()
        }
        Part::Refusal { text } => view! { {head(Icon::Struck, "Refusal", share)}<FoldedText text=text /> }.into_any(),
        Part::Other { kind, json } => view! {
            <div class="mh"><Glyph icon=Icon::Dots small=true /><span class="mono">{kind}</span>{tokens(share)}</div>
            <Code text=json />
        }
        .into_any(),
    }
}

const fn speaker(role: Role) -> (Icon, &'static str) {
    match role {
        Role::System => (Icon::System, "System"),
        Role::User => (Icon::Messages, "User"),
        Role::Assistant => (Icon::Model, "Assistant"),
        Role::Tool => (Icon::Tool, "Tool"),
    }
}

fn head(icon: Icon, who: &'static str, share: Share) -> impl IntoView {
    view! { <div class="mh"><Glyph icon=icon small=true /><span>{who}</span>{tokens(share)}</div> }
}

#[component]
fn Thinking(text: String, share: Share) -> impl IntoView {
    let open = RwSignal::new(true);
    let hidden = text.trim().is_empty();
    let arrow = Signal::derive(move || if open.get() { Icon::ChevronDown } else { Icon::ChevronRight });
    let text = StoredValue::new(text);
    view! {
        <button
            type="button" class="mh opens" aria-expanded=move || open.get().to_string()
            on:click=move |_| open.update(|open| *open = !*open)
        >
            <Glyph icon=Icon::Thought small=true /><span>"Thinking"</span><Glyph icon=arrow small=true />{tokens(share)}
        </button>
        <Show when=move || open.get()>
            <div class="th">
                {match hidden {
                    true => view! { <p class="t3">"The provider does not show it."</p> }.into_any(),
                    false => view! { <FoldedText text=text.get_value() /> }.into_any(),
                }}
            </div>
        </Show>
    }
}

fn call_view(name: String, arguments: String, share: Share) -> AnyView {
    let line = headline(&arguments);
    let inside = match of_arguments(&arguments) {
        Some((_, lines)) => {
            view! { <pre class="code" tabindex="0">{lines.into_iter().map(diff_line).collect_view()}</pre> }
                .into_any()
        }
        None if arguments.trim().is_empty() => ().into_any(),
        None => view! { <Code text=arguments /> }.into_any(),
    };
    view! {
        <div class="mh">
            <Glyph icon=Icon::Tool small=true /><span>"Call"</span><span class="mono t1">{name}</span>
            <span class="mono t2 cut">{line}</span>{tokens(share)}
        </div>
        {inside}
    }
    .into_any()
}

fn diff_line(line: Line) -> impl IntoView {
    match line {
        Line::Same(text) => view! { <span class="same">"  "{text}"\n"</span> }.into_any(),
        Line::Removed(text) => view! { <span class="del">"- "{text}</span> }.into_any(),
        Line::Added(text) => view! { <span class="add">"+ "{text}</span> }.into_any(),
    }
}

fn result_view(call: Option<(String, Option<String>)>, text: String, error: bool, share: Share) -> AnyView {
    let (name, line) = call.unwrap_or_else(|| ("a call that is not here".to_owned(), None));
    view! {
        <div class="mh">
            <Glyph icon=Icon::Tool small=true /><span>"Result of "{name}</span>
            <span class="mono t2 cut">{line}</span>
            {error.then(|| view! { <span class="pill err"><Glyph icon=Icon::Octagon small=true />"failed"</span> })}
            {tokens(share)}
        </div>
        <Code text=text />
    }
    .into_any()
}

/// The name and headline of the call that a result answers.
fn find_call(talk: &Conversation, wanted: &str) -> Option<(String, Option<String>)> {
    let parts = talk.messages.iter().chain(&talk.answer).flat_map(|message| &message.parts);
    parts.into_iter().find_map(|part| match part {
        Part::ToolCall { id: Some(id), name, arguments } if id == wanted => {
            Some((name.clone(), headline(arguments)))
        }
        _ => None,
    })
}
