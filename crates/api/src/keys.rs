//! Providers and their keys as a dashboard shows them, and the local keys that stand for them in tools.
//! A real key travels only towards the engine, as a [`Secret`]; nothing ever gives one back. A local key is given once,
//! to whoever has it made.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A key on its way, a provider's to the keychain or a local one to who had it made. It never shows itself in a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a key.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The key in clear.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// How the operating system's keychain is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum KeychainState {
    /// It is being asked; keys may appear in a moment.
    Asking,
    /// It answers.
    Ready,
    /// It is locked: its keys are there, but not readable until somebody unlocks it.
    Locked,
    /// There is none, or it does not answer.
    Absent {
        /// Why, and what to do.
        message: String,
    },
}

/// Where a provider's key comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case")]
pub enum KeyOrigin {
    /// None is stored: clients bring their own.
    None,
    /// The keychain.
    Keychain {
        /// Its last four characters.
        hint: String,
        /// Its keyed fingerprint: the same as in calls that used it.
        mark: String,
    },
    /// LLMFlow's environment.
    Environment {
        /// The variable.
        variable: String,
        /// Its last four characters.
        hint: String,
        /// Its keyed fingerprint: the same as in calls that used it.
        mark: String,
    },
    /// No key is stored: this machine's AWS credentials sign the calls.
    Aws(AwsState),
    /// The provider asks for none.
    NotNeeded,
}

/// The AWS credentials of this machine, as far as they are known. They are looked for when a call needs them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsState {
    /// The region of calls that name none.
    pub region: Option<String>,
    /// Where the credentials come from (`environment`, `AWS profile`, `SSO`, …).
    pub source: Option<String>,
    /// The last four characters of their id.
    pub hint: Option<String>,
    /// When they end, in milliseconds since 1970 (UTC).
    pub expires_ms: Option<i64>,
    /// Why there are none, and what to do.
    pub problem: Option<String>,
    /// Bedrock is switched off.
    pub off: bool,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderStatus {
    /// Its name (`openai`): the first segment of its route.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Whose dialect it speaks (`openai`): its own name for those LLMFlow knows by itself.
    pub speaks: String,
    /// The environment variable that usually holds its key.
    pub variable: Option<String>,
    /// Where calls go. `{resource}` in it is the Azure resource that a call names.
    pub base_url: String,
    /// Whether `base_url` was set by the user.
    pub custom: bool,
    /// What a client puts behind the proxy's address: `/passthrough/anthropic`.
    pub route: String,
    /// The key used when a client sends none.
    pub key: KeyOrigin,
    /// Calls within the last 24 hours.
    pub calls: u64,
    /// Of them, with an error.
    pub errors: u64,
    /// When the latest call began, in milliseconds since 1970 (UTC).
    pub last_ms: Option<i64>,
}

/// A key that is worth something only here: a tool sends it, the proxy knows the tool by it and puts the provider's
/// real key in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalKey {
    /// Whom it stands for (`claude-code`); calls that carry it are that client's.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// When it was made, in milliseconds since 1970 (UTC).
    pub created_ms: i64,
    /// When a call last carried it since start, in milliseconds since 1970 (UTC).
    pub last_used_ms: Option<i64>,
}

/// A local key that was just made: the only time that it is told. What is kept of it is a hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeKey {
    /// The key, to be put into the tool's settings.
    pub key: Secret,
    /// The Providers page, now with it.
    pub providers: Providers,
}

/// The Providers page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Providers {
    /// The keychain.
    pub keychain: KeychainState,
    /// Every provider.
    pub providers: Vec<ProviderStatus>,
    /// The local keys.
    pub local_keys: Vec<LocalKey>,
    /// A stored key is used only for calls that carry a local key, not for calls that carry none.
    pub local_keys_required: bool,
}

/// What a provider said to a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTest {
    /// It was accepted.
    pub accepted: bool,
    /// The provider's status; `None` when it could not be reached.
    pub status: Option<u16>,
    /// What that means and what to do, in one sentence.
    pub message: String,
    /// How long the answer took, in microseconds.
    pub duration_us: u64,
    /// How many models the key may use, where the provider lists them.
    pub models: Option<u64>,
}

/// How a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// It answers, and takes the key.
    Ok,
    /// It does not.
    Error,
    /// There is no key for it, or nothing that was ever set up.
    Unconfigured,
}

/// What asking a provider showed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderCheck {
    /// Its name in the table.
    pub name: String,
    /// How it is.
    pub state: ProviderState,
    /// How long the answer took, in microseconds; `None` when it was not asked.
    pub duration_us: Option<u64>,
    /// What is wrong and what to do.
    pub message: Option<String>,
}
