//! The last thing said to the model and what it answered, in short.

use api::{Conversation, Message, Part, Role};
use leptos::prelude::*;

use crate::components::icon::{Glyph, Icon};
use crate::format::plural;

/// Characters shown of each side.
const MOST: usize = 900;

/// The newest message before the answer, and the answer.
#[component]
pub fn LastExchange(talk: Conversation) -> impl IntoView {
    let asked = talk.messages.iter().rev().find(|message| message.role != Role::System).map(said);
    let answered = talk.answer.first().map(said);
    let count = talk.messages.len() as u64;
    let nothing = asked.is_none() && answered.is_none();
    (!nothing).then(|| {
        view! {
            <div class="sec last" data-testid="last-exchange">
                <div class="sh"><h3>"Last exchange"</h3><span class="t3 s12">{plural(count, "message", "messages")}" before the answer"</span></div>
                {asked.map(side)}
                {answered.map(side)}
            </div>
        }
    })
}

fn side((icon, who, text, code): (Icon, String, String, bool)) -> impl IntoView {
    view! {
        <div class="msg">
            <span class="row g3 t3 s11"><Glyph icon=icon small=true />{who}</span>
            {match code {
                true => view! { <pre class="code">{text}</pre> }.into_any(),
                false => view! { <p>{text}</p> }.into_any(),
            }}
        </div>
    }
}

/// Who said what: the message's last piece that says something.
fn said(message: &Message) -> (Icon, String, String, bool) {
    let (icon, who) = match message.role {
        Role::System => (Icon::System, "System"),
        Role::User => (Icon::Messages, "User"),
        Role::Assistant => (Icon::Model, "Assistant"),
        Role::Tool => (Icon::Tool, "Tool"),
    };
    let calls = message.parts.iter().rev().find_map(|part| match part {
        Part::ToolCall { name, arguments, .. } => {
            Some((Icon::Tool, format!("Call {name}"), short(arguments), true))
        }
        _ => None,
    });
    let texts = message.parts.iter().rev().find_map(|part| match part {
        Part::Text { text } if !text.trim().is_empty() => Some((icon, who.to_owned(), short(text), false)),
        Part::ToolResult { text, .. } => Some((Icon::Tool, "Tool result".to_owned(), short(text), true)),
        Part::Refusal { text } => Some((Icon::Struck, "Refusal".to_owned(), short(text), false)),
        _ => None,
    });
    texts.or(calls).unwrap_or_else(|| (icon, who.to_owned(), "–".to_owned(), false))
}

fn short(text: &str) -> String {
    match text.trim().char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", text.trim().get(..cut).unwrap_or_default()),
        None => text.trim().to_owned(),
    }
}
