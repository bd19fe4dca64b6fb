//! What a person reads when the keychain does not do as asked: why, and the remedy.

use api::KeychainState;

use super::keychain::Trouble;

pub(super) const SWITCHED_OFF: &str = "The keychain is switched off (keychain = false in the settings, or LLMFLOW_KEYCHAIN=off). \
    Keys come from the environment (OPENAI_API_KEY, …).";
#[cfg(not(any(target_os = "macos", windows)))]
pub(super) const SILENT: &str = "The keychain does not answer. Restart its program (gnome-keyring-daemon, KWallet or \
    KeePassXC) or sign in again; until then keys come from the environment (OPENAI_API_KEY, …).";
#[cfg(any(target_os = "macos", windows))]
pub(super) const SILENT: &str = "The keychain does not answer. If the system asks whether LLMFlow may use it, say yes; \
    until then keys come from the environment (OPENAI_API_KEY, …).";

/// Why a key was not stored or removed.
pub(crate) enum Refused {
    /// The keychain's trouble, in a sentence for the user.
    Unavailable(String),
    /// The file of local keys cannot be written.
    Folder(std::io::Error),
}

pub(super) fn refused(trouble: Trouble) -> Refused {
    Refused::Unavailable(match trouble {
        Trouble::Locked => "The keychain is locked. Unlock it, then try again.".to_owned(),
        Trouble::Declined => {
            "The keychain was not unlocked: its password was not given, or nothing here can ask for it."
                .to_owned()
        }
        Trouble::Silent => SILENT.to_owned(),
        Trouble::Absent(message) => message,
        Trouble::Failed(reason) => format!("The keychain failed: {reason}."),
    })
}

/// How a keychain is that answered with `trouble`.
pub(super) fn state_of(trouble: &Trouble) -> KeychainState {
    match trouble {
        Trouble::Locked | Trouble::Declined => KeychainState::Locked,
        Trouble::Silent => KeychainState::Absent { message: SILENT.to_owned() },
        Trouble::Absent(message) => KeychainState::Absent { message: message.clone() },
        Trouble::Failed(reason) => {
            KeychainState::Absent { message: format!("The keychain failed: {reason}.") }
        }
    }
}
