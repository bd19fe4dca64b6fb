//! Local keys on the disk: a private file in the data folder, so that tools keep working after a restart.
//! They open nothing but this proxy. Leaves out recognising one in a call (`proxy`).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxy::LocalUser;
use proxy::keys::LOCAL_PREFIX;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder::open_private;

const FILE: &str = "local-keys.json";
const LONGEST_NAME: usize = 64;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One local key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Local {
    pub(super) name: String,
    pub(super) key: String,
    pub(super) created_ms: i64,
    #[serde(skip)]
    pub(super) user: Option<Arc<LocalUser>>,
}

impl Local {
    pub(super) fn new(name: &str, created_ms: i64) -> Self {
        Self { name: name.to_owned(), key: fresh(name), created_ms, user: None }.known()
    }

    /// With whom it stands for, for the proxy.
    fn known(mut self) -> Self {
        self.user = Some(Arc::new(LocalUser::new(self.name.clone())));
        self
    }
}

/// Whether a local key may have this name: it stands in headers, in filters and in the key itself.
pub(crate) fn is_name(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

fn fresh(name: &str) -> String {
    // Two random numbers of 122 bits each, spread over 32 digits.
    let seed = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
    let digit =
        |byte: u8| DIGITS.get(usize::from(byte) % DIGITS.len()).map_or('0', |digit| char::from(*digit));
    let digits: String = Sha256::digest(seed).iter().map(|byte| digit(*byte)).collect();
    format!("{LOCAL_PREFIX}{name}-{digits}")
}

/// The local keys of this data folder. A file that cannot be read is put aside, and said so in the log.
pub(super) fn load(folder: &Path) -> Vec<Local> {
    let path = folder.join(FILE);
    match read(&path) {
        Ok(keys) => keys.into_iter().map(Local::known).collect(),
        Err(error) => {
            let aside = folder.join(format!("{FILE}.unreadable"));
            let kept = std::fs::rename(&path, &aside).is_ok();
            tracing::error!(%error, path = %path.display(), kept, "the local keys cannot be read; tools that use one are refused");
            Vec::new()
        }
    }
}

fn read(path: &Path) -> std::io::Result<Vec<Local>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut text = String::new();
    open_private(path)?.read_to_string(&mut text)?;
    Ok(serde_json::from_str(&text)?)
}

/// Keeps `keys` instead of what was kept: all of them, or on an error what was there before.
pub(super) fn save(folder: &Path, keys: &[Local]) -> std::io::Result<()> {
    let (path, fresh): (PathBuf, PathBuf) = (folder.join(FILE), folder.join(format!("{FILE}.new")));
    let mut file = open_private(&fresh)?;
    file.set_len(0)?;
    file.write_all(&serde_json::to_vec_pretty(keys)?)?;
    file.sync_all()?;
    std::fs::rename(fresh, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_and_are_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).is_empty());
        let keys = [Local::new("claude-code", 5), Local::new("aider", 6)];
        save(folder.path(), &keys).unwrap();
        let read = load(folder.path());
        assert_eq!((read[0].key.as_str(), read[1].name.as_str()), (keys[0].key.as_str(), "aider"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(folder.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        std::fs::write(folder.path().join(FILE), "{").unwrap();
        assert!(load(folder.path()).is_empty());
        assert!(folder.path().join("local-keys.json.unreadable").exists(), "nothing is thrown away");
    }

    #[test]
    fn a_key_says_whose_it_is_and_no_two_are_equal() {
        let (one, two) = (Local::new("a.b", 0), Local::new("a.b", 0));
        assert!(one.key.starts_with("lf-a.b-") && one.key.len() == "lf-a.b-".len() + 32, "{}", one.key);
        assert_ne!(one.key, two.key);
        assert!(is_name("claude-code_1.0") && !is_name("") && !is_name("a b") && !is_name(&"x".repeat(65)));
    }
}
