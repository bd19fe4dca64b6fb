//! The operating system's keychain behind a thread of its own: it may hang or ask its user, and nobody waits for it
//! longer than they said. Leaves out what its contents mean (`keys`).

#[cfg_attr(any(target_os = "macos", windows), path = "keychain/native.rs")]
#[cfg_attr(not(any(target_os = "macos", windows)), path = "keychain/secret_service.rs")]
mod platform;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

use proxy::{Provider, Providers};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// Under this name the keychain shows our keys.
const SERVICE: &str = "llmflow";
/// What waits behind a question that takes long. When it is full the keychain counts as not answering.
const QUEUE: usize = 8;

/// What is asked of the keychain. Each answers with everything it holds for us afterwards.
pub(super) enum Ask {
    /// What it shows without asking its user.
    Load,
    /// What it shows once its user was asked.
    Unlock,
    /// Keep this key.
    Set(Arc<Provider>, Zeroizing<String>),
    /// Forget this provider's key.
    Remove(Arc<Provider>),
}

/// What the keychain holds for us, as far as it shows it.
#[derive(Default)]
pub(super) struct Contents {
    /// More may be there; it is locked.
    pub(super) locked: bool,
    /// Keys by provider's name.
    pub(super) keys: BTreeMap<String, Zeroizing<String>>,
}

/// Why the keychain did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It is locked.
    Locked,
    /// Its user said no.
    Declined,
    /// It took longer than any keychain takes.
    #[cfg_attr(
        any(target_os = "macos", windows),
        expect(dead_code, reason = "their calls cannot be given up")
    )]
    Silent,
    /// There is none, for this reason.
    Absent(String),
    /// It is there and failed, for this reason.
    Failed(String),
}

pub(super) type Answer = Result<Contents, Trouble>;

struct Question {
    ask: Ask,
    /// A change that begins later would surprise whoever was told that it failed.
    until: Instant,
    answer: oneshot::Sender<Answer>,
}

/// The thread's entrance. The thread ends after the last one of these, or hangs where the keychain does.
#[derive(Clone)]
pub(super) struct Keychain {
    questions: SyncSender<Question>,
}

impl Keychain {
    /// Starts the thread, which keeps keys of `providers`; nothing is asked yet.
    pub(super) fn start(providers: Providers) -> std::io::Result<Self> {
        let (questions, receiver) = sync_channel(QUEUE);
        std::thread::Builder::new().name("keychain".into()).spawn(move || serve(&providers, &receiver))?;
        Ok(Self { questions })
    }

    /// One whose thread ends at its first question.
    #[cfg(test)]
    pub(super) fn that_dies() -> Self {
        let (questions, receiver) = sync_channel::<Question>(QUEUE);
        let _ends_by_itself = std::thread::spawn(move || drop(receiver.recv()));
        Self { questions }
    }

    /// Asks; `None` when so much is waiting that an answer is not to be expected. A change is made only `until` then.
    pub(super) fn ask(&self, ask: Ask, until: Instant) -> Option<oneshot::Receiver<Answer>> {
        let (answer, receiver) = oneshot::channel();
        self.questions.try_send(Question { ask, until, answer }).ok()?;
        Some(receiver)
    }
}

fn serve(providers: &Providers, questions: &Receiver<Question>) {
    while let Ok(Question { ask, until, answer }) = questions.recv() {
        let too_late = Instant::now() > until && !matches!(ask, Ask::Load);
        // Whoever asked may have stopped.
        let _nobody_listens = answer.send(platform::run(providers, if too_late { Ask::Load } else { ask }));
    }
}

/// The name under which a person finds a key among others.
fn label(provider: &Provider) -> String {
    format!("LLMFlow: {} API key", provider.display_name)
}
