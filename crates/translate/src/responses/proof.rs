//! How proofs of thoughts travel in `encrypted_content`, which clients send back as they got it.

use crate::chat::Thought;
use crate::delta::Proof;

const SIGNATURE: &str = "signature:";
const SEALED: &str = "sealed:";

/// What the client gets.
pub(super) fn packed(proof: &Proof) -> String {
    match proof {
        Proof::Signature(signature) => format!("{SIGNATURE}{signature}"),
        Proof::Sealed(data) => format!("{SEALED}{data}"),
    }
}

/// The thought that a client's item holds; `None` when it can be read by OpenAI alone and says nothing else.
pub(super) fn unpacked(text: String, encrypted: Option<&str>) -> Option<Thought> {
    let encrypted = encrypted.unwrap_or_default();
    if let Some(data) = encrypted.strip_prefix(SEALED) {
        return Some(Thought::Sealed(data.to_owned()));
    }
    let signature = encrypted.strip_prefix(SIGNATURE).map(str::to_owned);
    (!text.is_empty() || signature.is_some()).then_some(Thought::Text { text, signature })
}
