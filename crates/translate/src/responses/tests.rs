//! What a Responses request asks of providers, and the events that an answer becomes.

mod events;
mod requests;
mod round_trip;

use crate::chat::{Message, Part};

/// Puts a message's places at those of another: the two fronts name fields differently.
fn same_places(message: &mut Message, other: &Message) {
    match (message, other) {
        (Message::User { parts }, Message::User { parts: others }) => parts_at(parts, others),
        (Message::Tool { parts, path, .. }, Message::Tool { parts: others, path: at, .. }) => {
            path.clone_from(at);
            parts_at(parts, others);
        }
        (Message::Assistant { calls, .. }, Message::Assistant { calls: others, .. }) => {
            for (call, other) in calls.iter_mut().zip(others) {
                call.path.clone_from(&other.path);
            }
        }
        _ => {}
    }
}

fn parts_at(parts: &mut [Part], others: &[Part]) {
    for (part, other) in parts.iter_mut().zip(others) {
        match (part, other) {
            (Part::Image { path, .. }, Part::Image { path: at, .. })
            | (Part::File { path, .. }, Part::File { path: at, .. })
            | (Part::Audio { path, .. }, Part::Audio { path: at, .. }) => path.clone_from(at),
            _ => {}
        }
    }
}
