//! Asking the keychain without waiting for it longer than its deadline, and taking what it says whenever it says it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use api::{Event, KeychainState};
use proxy::{Provider, Providers};
use zeroize::Zeroizing;

use super::Keys;
use super::keychain::{Answer, Ask, Keychain, Trouble};
use super::refused::{Refused, SILENT, SWITCHED_OFF, refused, state_of};
use crate::settings::Settings;

/// A keychain that takes longer does not answer. Its later answer is taken all the same.
const DEADLINE: Duration = Duration::from_secs(5);
/// A locked keychain is looked at again after this time: its user may unlock it for another program.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Why nothing is asked of the keychain any more.
const GONE: &str = "what asked it ended without an answer; start LLMFlow again";

impl Keys {
    /// Asks the keychain again unless it answers as it should or is being asked; tells everyone if something changed.
    pub(crate) fn look(&self) {
        let known = self.known();
        let asked = known.state == KeychainState::Ready || known.open_questions > 0;
        drop(known);
        if self.shared.keychain.is_some() && !asked {
            let keys = self.clone();
            self.shared.tracker.spawn(async move { _ = keys.ask(Ask::Load).await });
        }
    }

    /// Lets the keychain ask its user. The user may take longer than anybody waits.
    pub(crate) async fn unlock(&self) -> Result<(), Refused> {
        self.expect_unlocking();
        self.ask(Ask::Unlock).await
    }

    /// Stores a provider's key in the keychain.
    pub(crate) async fn set(&self, provider: &Arc<Provider>, key: &str) -> Result<(), Refused> {
        self.ask(Ask::Set(provider.clone(), Zeroizing::new(key.to_owned()))).await
    }

    /// Removes a provider's key from the keychain.
    pub(crate) async fn remove(&self, provider: &Arc<Provider>) -> Result<(), Refused> {
        self.ask(Ask::Remove(provider.clone())).await
    }

    /// Asks at the start, and then again as long as the keychain is locked.
    pub(super) async fn watch(self) {
        _ = self.ask(Ask::Load).await;
        while self.shared.quiet.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            if self.keychain() == KeychainState::Locked {
                _ = self.ask(Ask::Load).await;
            }
        }
    }

    async fn ask(&self, ask: Ask) -> Result<(), Refused> {
        let Some(keychain) = &self.shared.keychain else {
            return Err(self.unavailable());
        };
        let Some(answer) = keychain.ask(ask, Instant::now() + DEADLINE) else {
            return Err(self.silent());
        };
        self.known().open_questions += 1;
        let keys = self.clone();
        // A task of its own: the answer is taken whenever it comes, and whoever asked may leave.
        let taking = self.shared.tracker.spawn(async move {
            let answer = keys.shared.quiet.run_until_cancelled(answer).await?;
            // Without an answer there will be none: whoever asked the keychain for us is gone.
            Some(keys.take(answer.unwrap_or_else(|_| Err(Trouble::Failed(GONE.to_owned())))))
        });
        match tokio::time::timeout(DEADLINE, taking).await {
            Ok(taken) => taken.ok().flatten().unwrap_or_else(|| Err(self.unavailable())),
            Err(_) => Err(self.silent()),
        }
    }

    /// Takes what the keychain said and tells everyone what that changes.
    fn take(&self, answer: Answer) -> Result<(), Refused> {
        let mut known = self.known();
        let before = (known.state.clone(), known.stored.clone());
        known.unlocking = false;
        known.open_questions = known.open_questions.saturating_sub(1);
        let trouble = match answer {
            Ok(contents) => {
                known.state = if contents.locked { KeychainState::Locked } else { KeychainState::Ready };
                if !contents.locked {
                    known.stored.clear();
                }
                known.stored.extend(contents.keys);
                None
            }
            Err(trouble) => {
                known.state = state_of(&trouble);
                Some(trouble)
            }
        };
        if before != (known.state.clone(), known.stored.clone()) {
            self.publish(&known);
            self.shared.events.send(Event::KeysChanged);
        }
        drop(known);
        trouble.map_or(Ok(()), |trouble| Err(refused(trouble)))
    }

    fn expect_unlocking(&self) {
        let mut known = self.known();
        known.unlocking |= known.state == KeychainState::Locked;
    }

    /// Nothing came in time.
    fn silent(&self) -> Refused {
        let mut known = self.known();
        let state = match known.unlocking {
            // Its user is being asked, and may take their time.
            true => KeychainState::Asking,
            false => KeychainState::Absent { message: SILENT.to_owned() },
        };
        if known.state != state {
            tracing::warn!(?state, "the keychain does not answer in time");
            known.state = state;
            self.shared.events.send(Event::KeysChanged);
        }
        drop(known);
        self.unavailable()
    }

    fn unavailable(&self) -> Refused {
        Refused::Unavailable(match self.keychain() {
            KeychainState::Absent { message } => message,
            KeychainState::Locked => return refused(Trouble::Locked),
            KeychainState::Asking | KeychainState::Ready => {
                "The keychain is asking for its password. Answer it, then try again.".to_owned()
            }
        })
    }
}

/// How the keychain is, asked once without anybody's engine.
pub async fn keychain_state(settings: &Settings) -> KeychainState {
    if !settings.keychain {
        return KeychainState::Absent { message: SWITCHED_OFF.to_owned() };
    }
    let silent = || KeychainState::Absent { message: SILENT.to_owned() };
    let asked = Keychain::start(Providers::built_in())
        .ok()
        .and_then(|keychain| keychain.ask(Ask::Load, Instant::now() + DEADLINE));
    let Some(answer) = asked else { return silent() };
    match tokio::time::timeout(DEADLINE, answer).await {
        Ok(Ok(Ok(contents))) if contents.locked => KeychainState::Locked,
        Ok(Ok(Ok(_))) => KeychainState::Ready,
        Ok(Ok(Err(trouble))) => state_of(&trouble),
        Ok(Err(_)) | Err(_) => silent(),
    }
}

#[cfg(test)]
mod tests {
    use proxy::Fingerprinter;
    use tokio_util::sync::CancellationToken;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::events::Events;

    #[tokio::test]
    async fn a_question_that_is_never_answered_is_not_waited_for_again() {
        let folder = tempfile::tempdir().unwrap();
        let settings =
            Settings { keychain: false, data_dir: folder.path().to_owned(), ..Settings::default() };
        let (tracker, quiet) = (TaskTracker::new(), CancellationToken::new());
        let keys = Keys::start(
            &settings,
            Providers::default(),
            Fingerprinter::new([0; 32]),
            Events::new(),
            &tracker,
            &quiet,
        )
        .with_keychain(Keychain::that_dies());
        let refused = keys.ask(Ask::Load).await;
        assert!(matches!(refused, Err(Refused::Unavailable(why)) if why.contains("start LLMFlow again")));
        assert!(matches!(keys.keychain(), KeychainState::Absent { .. }));
        assert_eq!(keys.known().open_questions, 0, "it can be asked again");
    }
}
