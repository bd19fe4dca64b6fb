//! How many files this process may have open. A call takes two sockets, and many systems allow 1,024 files (macOS 256)
//! unless a program asks for more.

/// Asks for as many as the system lets it have.
#[cfg(unix)]
pub(crate) fn allow_many() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    // macOS refuses more than this, whatever it says the maximum is.
    let most = if cfg!(target_os = "macos") { 10_240 } else { u64::MAX };
    limit.current = Some(limit.maximum.unwrap_or(most).min(most)).filter(|current| *current != u64::MAX);
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}

/// Windows has no such limit.
#[cfg(not(unix))]
pub(crate) fn allow_many() {}
