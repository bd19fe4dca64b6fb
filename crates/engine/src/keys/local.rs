//! Local keys on the disk: a private file in the data folder, so that tools keep working after a restart.
//! They open nothing but this proxy, and of each only a hash and its end are kept. Leaves out recognising one in a call
//! (`proxy`).

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use api::Secret;
use proxy::LocalUser;
use proxy::keys::{LOCAL_PREFIX, local_hash};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::hint;
use crate::folder::open_private;

const FILE: &str = "local-keys.json";
const LONGEST_NAME: usize = 64;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// One local key.
#[derive(Clone, Debug)]
pub(super) struct Local {
    pub(super) name: String,
    pub(super) hash: [u8; 32],
    pub(super) hint: String,
    pub(super) created_ms: i64,
    /// Whom it stands for, for the proxy.
    pub(super) user: Arc<LocalUser>,
}

/// One local key in the file.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Kept {
    Hashed {
        name: String,
        hash: String,
        hint: String,
        created_ms: i64,
    },
    /// As versions before wrote it.
    Clear {
        name: String,
        key: String,
        created_ms: i64,
    },
}

impl Local {
    /// A new one; the key itself is told here and nowhere else.
    pub(super) fn new(name: &str, created_ms: i64) -> (Self, Secret) {
        let key = fresh(name);
        (Self::of(name.to_owned(), &key, created_ms), Secret::new(key))
    }

    fn of(name: String, key: &str, created_ms: i64) -> Self {
        Self::known(name, local_hash(key), hint(key), created_ms)
    }

    fn known(name: String, hash: [u8; 32], hint: String, created_ms: i64) -> Self {
        let user = Arc::new(LocalUser::new(name.clone()));
        Self { name, hash, hint, created_ms, user }
    }

    fn kept(&self) -> Kept {
        Kept::Hashed {
            name: self.name.clone(),
            hash: blake3::Hash::from_bytes(self.hash).to_hex().to_string(),
            hint: self.hint.clone(),
            created_ms: self.created_ms,
        }
    }
}

impl TryFrom<Kept> for Local {
    type Error = std::io::Error;

    fn try_from(kept: Kept) -> Result<Self, Self::Error> {
        match kept {
            Kept::Hashed { name, hash, hint, created_ms } => {
                let hash = blake3::Hash::from_hex(hash).map_err(std::io::Error::other)?;
                Ok(Self::known(name, *hash.as_bytes(), hint, created_ms))
            }
            Kept::Clear { name, key, created_ms } => Ok(Self::of(name, &key, created_ms)),
        }
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

/// The local keys of this data folder. A file that cannot be read is put aside, and said so in the log; one that holds
/// keys in clear is written anew.
pub(super) fn load(folder: &Path) -> Vec<Local> {
    let path = folder.join(FILE);
    let (keys, in_clear) = match read(&path) {
        Ok(read) => read,
        Err(error) => {
            let aside = folder.join(format!("{FILE}.unreadable"));
            let kept = std::fs::rename(&path, &aside).is_ok();
            tracing::error!(%error, path = %path.display(), kept, "the local keys cannot be read; tools that use one are refused");
            return Vec::new();
        }
    };
    if in_clear && let Err(error) = save(folder, &keys) {
        tracing::warn!(%error, path = %path.display(), "the local keys stay in clear on the disk: their file cannot be written");
    }
    keys
}

/// The keys, and whether any of them is there in clear.
fn read(path: &Path) -> std::io::Result<(Vec<Local>, bool)> {
    if !path.exists() {
        return Ok((Vec::new(), false));
    }
    let mut text = String::new();
    open_private(path)?.read_to_string(&mut text)?;
    let kept: Vec<Kept> = serde_json::from_str(&text)?;
    let in_clear = kept.iter().any(|kept| matches!(kept, Kept::Clear { .. }));
    Ok((kept.into_iter().map(Local::try_from).collect::<Result<_, _>>()?, in_clear))
}

/// Keeps `keys` instead of what was kept: all of them, or on an error what was there before.
pub(super) fn save(folder: &Path, keys: &[Local]) -> std::io::Result<()> {
    let (path, fresh): (PathBuf, PathBuf) = (folder.join(FILE), folder.join(format!("{FILE}.new")));
    let mut file = open_private(&fresh)?;
    file.set_len(0)?;
    let kept: Vec<Kept> = keys.iter().map(Local::kept).collect();
    file.write_all(&serde_json::to_vec_pretty(&kept)?)?;
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
        let ((one, key), (two, _)) = (Local::new("claude-code", 5), Local::new("aider", 6));
        save(folder.path(), &[one, two]).unwrap();
        let read = load(folder.path());
        assert_eq!((read[0].hash, read[1].name.as_str()), (local_hash(key.reveal()), "aider"));
        assert!(key.reveal().ends_with(&read[0].hint) && read[0].hint.len() == 4);
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
    fn keys_in_clear_are_replaced_by_their_hashes_and_go_on_working() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let key = "lf-aider-0123456789abcdefghijABCDEFGHIJxy";
        let before = serde_json::json!([{"name": "aider", "key": key, "created_ms": 7}]);
        std::fs::write(&path, before.to_string()).unwrap();
        for _ in 0..2 {
            let [read] = &load(folder.path())[..] else { panic!("one key") };
            assert_eq!((read.hash, read.hint.as_str(), read.created_ms), (local_hash(key), "IJxy", 7));
            assert!(!std::fs::read_to_string(&path).unwrap().contains(key));
        }
    }

    #[test]
    fn a_key_says_whose_it_is_and_no_two_are_equal() {
        let [one, two] = [Local::new("a.b", 0), Local::new("a.b", 0)].map(|(_, key)| key.reveal().to_owned());
        assert!(one.starts_with("lf-a.b-") && one.len() == "lf-a.b-".len() + 32, "{one}");
        assert_ne!(one, two);
        assert!(is_name("claude-code_1.0") && !is_name("") && !is_name("a b") && !is_name(&"x".repeat(65)));
    }
}
