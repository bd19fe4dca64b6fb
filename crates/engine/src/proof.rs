//! Proving that an LLMFlow holds a data folder, to whoever can read that folder: a port alone says nothing, any account
//! may listen on it. Leaves out asking for a proof (`server`).

use std::path::Path;

use crate::folder;

/// Keeps proofs apart from fingerprints, which are made with the same key.
const CONTEXT: &str = "LLMFlow 2026 proof of the data folder, version 1";
/// A longer challenge is no challenge of ours.
const LONGEST_CHALLENGE: usize = 128;

/// What it takes to give and to judge proofs about one data folder.
#[derive(Clone)]
pub struct Proof {
    key: [u8; 32],
    folder: String,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proof").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Proof {
    /// About `folder`, with the key that lies in it; `None` where there is none yet, so that nobody can hold it.
    pub fn of(folder: &Path) -> Option<Self> {
        let key = folder::key(folder)?;
        let real = std::fs::canonicalize(folder).ok()?;
        Some(Self { key: blake3::derive_key(CONTEXT, &key), folder: real.display().to_string() })
    }

    /// The data folder, without symbolic links.
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// A challenge that nobody can have an answer to yet.
    pub fn challenge() -> String {
        format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
    }

    /// The answer of whoever has the dashboard on `port`; `None` to what cannot be a challenge. The port is in it, so
    /// that nobody can hand on the answer of another.
    pub fn answer(&self, challenge: &str, port: u16) -> Option<String> {
        let plain = (16..=LONGEST_CHALLENGE).contains(&challenge.len())
            && challenge.bytes().all(|byte| byte.is_ascii_hexdigit());
        plain.then(|| self.mac(challenge, port, &self.folder).to_hex().to_string())
    }

    /// Whether `answer` comes from an LLMFlow with our key that has its dashboard on `port` and says that its data
    /// folder is `folder`.
    pub fn holds(&self, challenge: &str, port: u16, folder: &str, answer: &str) -> bool {
        // Compared as hashes: that takes the same time wherever they differ.
        blake3::Hash::from_hex(answer).is_ok_and(|answer| answer == self.mac(challenge, port, folder))
    }

    fn mac(&self, challenge: &str, port: u16, folder: &str) -> blake3::Hash {
        // The folder comes last: nothing else here can hold a line break.
        blake3::keyed_hash(&self.key, format!("{challenge}\n{port}\n{folder}").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_keys_holder_on_the_same_port_proves_a_folder() {
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        assert!(Proof::of(ours.path()).is_none(), "nobody has been there yet");
        for folder in [&ours, &theirs] {
            folder::fingerprinter(folder.path()).unwrap();
        }
        let (us, them) = (Proof::of(ours.path()).unwrap(), Proof::of(theirs.path()).unwrap());
        let challenge = Proof::challenge();
        assert_ne!(challenge, Proof::challenge());
        let answer = us.answer(&challenge, 3000).unwrap();
        assert!(us.holds(&challenge, 3000, us.folder(), &answer));
        assert!(!us.holds(&challenge, 3001, us.folder(), &answer), "handed on");
        assert!(!us.holds(&Proof::challenge(), 3000, us.folder(), &answer), "said again");
        assert!(!us.holds(&challenge, 3000, them.folder(), &answer), "another folder");
        assert!(!us.holds(&challenge, 3000, us.folder(), &them.answer(&challenge, 3000).unwrap()));
        assert!(!us.holds(&challenge, 3000, us.folder(), ""));
        assert_eq!(us.answer("short", 1).or(us.answer(&"x".repeat(64), 1)), None, "no challenges of ours");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_a_folder_is_that_folder() {
        let folder = tempfile::tempdir().unwrap();
        folder::fingerprinter(folder.path()).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(folder.path(), &link).unwrap();
        let (there, here) = (Proof::of(&link).unwrap(), Proof::of(folder.path()).unwrap());
        assert_eq!(there.folder(), here.folder());
    }
}
