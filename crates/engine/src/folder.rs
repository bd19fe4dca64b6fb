//! The data folder: held by one instance at a time, and the key under which credentials are fingerprinted.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxy::Fingerprinter;
use serde::{Deserialize, Serialize};

const LOCK: &str = "llmflow.lock";
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);
const KEY: &str = "fingerprint.key";
/// Of what stands in the lock: more than any instance needs.
const LENGTH: usize = 192;

/// The instance that holds a data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its process.
    pub pid: u32,
    /// Its proxy's port; 0 for none.
    pub proxy_port: u16,
    /// Its dashboard's port; 0 for none.
    pub dashboard_port: u16,
    /// Its port for OTLP over HTTP; 0 for none.
    #[serde(default)]
    pub otlp_http_port: u16,
    /// Its port for OTLP over gRPC; 0 for none.
    #[serde(default)]
    pub otlp_grpc_port: u16,
    /// It is stopping: calls under way may finish, nothing else is answered.
    #[serde(default)]
    pub stopping: bool,
}

/// Why a folder cannot be held.
#[derive(Debug)]
pub(crate) enum HoldError {
    /// Somebody else holds it.
    Held(Option<Instance>),
    /// It cannot be used.
    Io(PathBuf, std::io::Error),
}

/// The hold on a folder; letting it go lets the next instance in.
#[derive(Debug)]
pub(crate) struct Hold {
    locked: File,
}

impl Hold {
    /// From now on whoever asks who holds the folder is told this.
    pub(crate) fn tell(&self, instance: &Instance) -> std::io::Result<()> {
        let mut file = &self.locked;
        // One write over what was there, always of one length: whoever reads meanwhile reads one or the other.
        let text = format!("{:<LENGTH$}", serde_json::to_string(instance)?);
        file.rewind()?;
        file.write_all(text.as_bytes())?;
        file.flush()
    }
}

/// Makes the folder private and holds it for this process.
pub(crate) fn hold(folder: &Path, instance: &Instance) -> Result<Hold, HoldError> {
    let path = folder.join(LOCK);
    let io = |error| HoldError::Io(path.clone(), error);
    make_private(folder).map_err(io)?;
    let mut file = open_private(&path).map_err(io)?;
    let mut attempts = 0;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            // Whoever asks for the instance (`llmflow status`) holds the lock for a moment.
            Err(TryLockError::WouldBlock) if attempts < ATTEMPTS => {
                attempts += 1;
                std::thread::sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => return Err(HoldError::Held(read_instance(&mut file))),
            Err(TryLockError::Error(error)) => return Err(io(error)),
        }
    }
    file.set_len(0).map_err(io)?;
    let hold = Hold { locked: file };
    hold.tell(instance).map_err(io)?;
    Ok(hold)
}

/// The instance that holds `folder` now; `None` when nobody does.
pub fn running_instance(folder: &Path) -> Option<Instance> {
    let mut file = File::open(folder.join(LOCK)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read_instance(&mut file),
        Ok(()) | Err(TryLockError::Error(_)) => None,
    }
}

/// The fingerprinting key of this folder, made at first use.
pub(crate) fn fingerprinter(folder: &Path) -> Result<Fingerprinter, (PathBuf, std::io::Error)> {
    let path = folder.join(KEY);
    let at = |error| (path.clone(), error);
    let mut file = open_private(&path).map_err(at)?;
    let mut key = Vec::new();
    file.read_to_end(&mut key).map_err(at)?;
    if let Ok(key) = <[u8; 32]>::try_from(key.as_slice()) {
        return Ok(Fingerprinter::new(key));
    }
    let mut fresh = [0_u8; 32];
    for half in fresh.chunks_mut(16) {
        half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(&fresh)).map_err(at)?;
    Ok(Fingerprinter::new(fresh))
}

/// The fingerprinting key of this folder, where it has one that this account may read.
pub(crate) fn key(folder: &Path) -> Option<[u8; 32]> {
    fs::read(folder.join(KEY)).ok()?.try_into().ok()
}

fn read_instance(file: &mut File) -> Option<Instance> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn make_private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    // A folder that is there keeps its mode: it may hold more than our files, which are private on their own.
    builder.recursive(true).create(folder)
}

pub(crate) fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).write(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instance_holds_a_folder_and_the_other_learns_who() {
        let folder = tempfile::tempdir().unwrap();
        let instance = Instance {
            pid: 7,
            proxy_port: 1,
            dashboard_port: 2,
            otlp_http_port: 3,
            otlp_grpc_port: 4,
            stopping: false,
        };
        let held = hold(folder.path(), &instance).unwrap();
        assert!(
            matches!(hold(folder.path(), &instance), Err(HoldError::Held(Some(found))) if found == instance)
        );
        assert_eq!(running_instance(folder.path()), Some(instance.clone()));
        let stopping = Instance { stopping: true, ..instance };
        held.tell(&stopping).unwrap();
        assert_eq!(running_instance(folder.path()), Some(stopping));
        drop(held);
        assert_eq!(running_instance(folder.path()), None);
        hold(folder.path(), &instance).unwrap();
    }

    #[test]
    fn the_key_stays_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let mark = fingerprinter(folder.path()).unwrap().mark(b"secret");
        assert_eq!(fingerprinter(folder.path()).unwrap().mark(b"secret"), mark);
    }
}
