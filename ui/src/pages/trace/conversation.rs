//! The conversation in prompt order: tools, system, earlier messages, what was new, the answer.
//! Each block's left edge has the colour of the bucket it was billed to.

use api::{CallDetail, CallState, Conversation, Role, Usage};
use leptos::prelude::*;

use super::Page;
use super::blocks::{Fold, Tools};
use super::buckets::{Share, divide};
use super::message::MessageBlock;
use crate::components::icon::{Glyph, Icon};
use crate::components::states::{ErrorPanel, SkeletonRows};
use crate::format::plural;

/// Messages shown without folding any.
const FEW: usize = 3;

/// The tab.
#[component]
pub fn ConversationTab(call: CallDetail) -> impl IntoView {
    let page = expect_context::<Page>();
    let call = StoredValue::new(call);
    let drawn = move || {
        page.talk.with(|talk| {
            let talk = talk?;
            let empty = talk.messages.is_empty() && talk.answer.is_empty();
            Some(call.with_value(|call| {
                view! { <Talk usage=call.summary.usage talk=talk.clone() />{ending(call, empty)}{notes(talk)} }
            }))
        })
    };
    view! {
        <div class="conv" data-testid="trace-conversation">
            {move || page.talk.error().map(|error| view! {
                <ErrorPanel what="The conversation could not be loaded" error=error retry=move |()| page.talk.retry() />
            })}
            {move || page.talk.is_late().then(|| view! { <SkeletonRows rows=8 /> })}
            {drawn}
        </div>
    }
}

/// What could not be read.
fn notes(talk: &Conversation) -> impl IntoView + use<> {
    talk.notes.iter().map(|note| view! { <p class="note t3 s12">{note.clone()}</p> }).collect_view()
}

/// What was said; without any usage no block has a bucket.
#[component]
pub fn Talk(#[prop(optional)] usage: Usage, talk: Conversation) -> impl IntoView {
    let shares = divide(&talk, &usage);
    let names = StoredValue::new(talk.clone());
    let fresh = first_new(&talk);
    let (mut system, mut earlier, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for (index, message) in talk.messages.iter().enumerate() {
        let share = shares.messages.get(index).copied().unwrap_or_default();
        let block = (message.clone(), share);
        match message.role {
            Role::System if index < fresh => system.push(block),
            _ if index < fresh => earlier.push(block),
            _ => new.push(block),
        }
    }
    let answer: Vec<_> = talk.answer.iter().cloned().zip(shares.answer.clone()).collect();
    let draw = move |blocks: Vec<(api::Message, Share)>| {
        let drawn = blocks.into_iter().map(|(message, share)| {
            view! { <MessageBlock message=message share=share talk=names /> }
        });
        drawn.collect_view()
    };
    let count = earlier.len() as u64;
    let (system_share, earlier_share) = (together(&system), together(&earlier));
    let quote = first_words(&earlier);
    view! {
        {(!talk.tools.is_empty()).then(|| view! { <Tools tools=talk.tools.clone() share=shares.tools /> })}
        {(!system.is_empty()).then(|| view! {
            <Fold icon=Icon::System label="System".to_owned() share=system_share testid="fold-system">
                {draw(system.clone())}
            </Fold>
        })}
        {(count > 0).then(|| view! {
            <Fold
                icon=Icon::Messages label=plural(count, "earlier message", "earlier messages") quote=quote
                share=earlier_share testid="fold-earlier"
            >
                {draw(earlier.clone())}
            </Fold>
        })}
        {draw(new)}
        {draw(answer)}
    }
}

/// How the call ended, when that is not seen from the answer.
fn ending(call: &CallDetail, empty: bool) -> impl IntoView + use<> {
    let row = &call.summary;
    let said = row.error.clone();
    let (icon, class, text) = match row.state {
        CallState::Open => {
            (Icon::Play, "info", "Still answering. The page fills in when it ends.".to_owned())
        }
        CallState::Cancelled => (Icon::Struck, "unk", "The client left before the end.".to_owned()),
        CallState::Lost => {
            (Icon::Triangle, "warn", "LLMFlow ended while this call was under way.".to_owned())
        }
        CallState::Complete if said.is_none() && empty => {
            (Icon::Ring, "t3", "This call has no conversation. See Request and Response.".to_owned())
        }
        CallState::Complete if said.is_none() => return ().into_any(),
        CallState::Complete | CallState::UpstreamError | CallState::Truncated | CallState::Unreachable => (
            Icon::Octagon,
            "err",
            said.unwrap_or_else(|| "The upstream did not finish its answer.".to_owned()),
        ),
    };
    view! { <div class=format!("ending {class}") data-testid="trace-ending"><Glyph icon=icon /><span>{text}</span></div> }.into_any()
}

/// The first message that was new in this call: what follows the model's last answer.
fn first_new(talk: &Conversation) -> usize {
    let is_system =
        |index: &usize| talk.messages.get(*index).is_some_and(|message| message.role == Role::System);
    let lead = (0..talk.messages.len()).take_while(is_system).count();
    if talk.messages.len() <= lead + FEW {
        return lead;
    }
    let after = talk
        .messages
        .iter()
        .rposition(|message| message.role == Role::Assistant)
        .map_or(0, |index| index + 1);
    after.clamp(lead, talk.messages.len())
}

/// Blocks folded into one: their tokens added, their bucket when it is the same.
fn together(blocks: &[(api::Message, Share)]) -> Share {
    let tokens = blocks.iter().map(|(_, share)| share.tokens).sum();
    let first = blocks.first().map(|(_, share)| share.bucket).unwrap_or_default();
    let same = blocks.iter().all(|(_, share)| share.bucket == first);
    Share { tokens, bucket: if same { first } else { Default::default() } }
}

/// The beginning of the first text, for the fold's line.
fn first_words(blocks: &[(api::Message, Share)]) -> String {
    let text = blocks.iter().flat_map(|(message, _)| &message.parts).find_map(|part| match part {
        api::Part::Text { text } => text.lines().find(|line| !line.trim().is_empty()),
        _ => None,
    });
    text.map(|text| format!("“{}”", text.chars().take(160).collect::<String>())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(roles: &[Role]) -> Conversation {
        let message = |role: &Role| api::Message { role: *role, parts: vec![], cache_marker: false };
        Conversation { messages: roles.iter().map(message).collect(), ..Conversation::default() }
    }

    #[test]
    fn what_follows_the_last_answer_is_new() {
        use Role::{Assistant, System, Tool, User};
        assert_eq!(first_new(&talk(&[System, User, Assistant, User, Assistant, Tool, Tool])), 5);
        assert_eq!(first_new(&talk(&[System, User])), 1, "short ones are not folded");
        assert_eq!(first_new(&talk(&[])), 0);
    }
}
