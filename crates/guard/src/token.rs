//! The token that lets in whom nothing else does: made, compared, replaced. Leaves out keeping it (the engine) and what it
//! gives browsers (`login`).

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use blake3::Hash;
use zeroize::Zeroizing;

use crate::login::Links;

/// How every token begins.
pub const PREFIX: &str = "llmflow_";
/// Keeps cookies apart from everything else that is made with the token.
const COOKIES: &str = "LLMFlow 2026 session cookies, version 1";

/// A new token: 256 bits from the system's source of random numbers.
pub fn fresh() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    getrandom::fill(bytes.as_mut())?;
    Ok(Zeroizing::new(format!("{PREFIX}{}", Hash::from_bytes(*bytes).to_hex())))
}

/// The one token that counts now, and what was given for it. Clones share it. Of the token itself only a hash is held.
#[derive(Clone)]
pub struct Tokens {
    current: Arc<RwLock<Current>>,
    pub(crate) links: Arc<Mutex<Links>>,
}

pub(crate) struct Current {
    hash: Hash,
    pub(crate) cookies: Zeroizing<[u8; 32]>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

impl Tokens {
    /// `token` counts.
    pub fn new(token: &str) -> Self {
        Self { current: Arc::new(RwLock::new(Current::of(token))), links: Arc::default() }
    }

    /// From now on `token` counts, and nothing that was given for the one before.
    pub fn replace(&self, token: &str) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current::of(token);
        *self.links.lock().unwrap_or_else(PoisonError::into_inner) = Links::default();
    }

    /// Whether `shown` is the token. Compared as hashes: that takes the same time wherever they differ.
    pub fn holds(&self, shown: &str) -> bool {
        self.with(|current| blake3::hash(shown.as_bytes()) == current.hash)
    }

    pub(crate) fn with<T>(&self, look: impl FnOnce(&Current) -> T) -> T {
        look(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Current {
    fn of(token: &str) -> Self {
        let cookies = Zeroizing::new(blake3::derive_key(COOKIES, token.as_bytes()));
        Self { hash: blake3::hash(token.as_bytes()), cookies }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_counts_until_it_is_replaced() {
        let (one, two) = (fresh().unwrap(), fresh().unwrap());
        assert_ne!(one, two);
        assert!(one.starts_with(PREFIX) && one.len() == PREFIX.len() + 64);
        let tokens = Tokens::new(&one);
        assert!(tokens.holds(&one));
        for wrong in [two.as_str(), "", PREFIX, &one[1..], &one.to_uppercase(), &format!("{} ", *one)] {
            assert!(!tokens.holds(wrong), "{wrong}");
        }
        let shared = tokens.clone();
        tokens.replace(&two);
        assert!(shared.holds(&two) && !shared.holds(&one));
        assert!(!format!("{tokens:?}").contains(&two[PREFIX.len()..]));
    }
}
