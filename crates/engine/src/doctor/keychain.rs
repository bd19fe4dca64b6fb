//! The operating system's keychain: ready, locked, or not to be had. LLMFlow works without it, with keys from the
//! environment or from the tools themselves.

use api::KeychainState;

use super::{Finding, Mark};
use crate::keys::keychain_state;
use crate::settings::Settings;

const SUBJECT: &str = "Keychain";

pub(super) async fn check(settings: &Settings) -> Finding {
    match keychain_state(settings).await {
        KeychainState::Ready => Finding::new(SUBJECT, Mark::Ok, "It answers and is unlocked."),
        KeychainState::Locked => {
            Finding::new(SUBJECT, Mark::Warn, "It is locked: keys stored in it are not lent to calls.")
                .remedy("Unlock it on the Providers page, or by signing in to the desktop.")
        }
        KeychainState::Asking => {
            Finding::new(SUBJECT, Mark::Warn, "It is asking for its password.").remedy("Answer it.")
        }
        // A server has none, and needs none.
        KeychainState::Absent { message } => match message.split_once(". ") {
            Some((says, remedy)) => Finding::new(SUBJECT, Mark::Note, format!("{says}.")).remedy(remedy),
            None => Finding::new(SUBJECT, Mark::Note, message),
        },
    }
}
