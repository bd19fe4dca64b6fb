//! The token on the disk: a private file in the data folder, which whoever can read may come in. Leaves out judging who
//! shows it (`guard`).

use std::io::{Read, Write};
use std::path::Path;

use api::Secret;
use zeroize::Zeroizing;

use crate::folder::open_private;

const FILE: &str = "token";
/// More than any token has.
const LONGEST: u64 = 256;

/// The token of a data folder; `None` where there is none yet, or this account may not read it.
pub fn token(folder: &Path) -> Option<Secret> {
    let file = std::fs::File::open(folder.join(FILE)).ok()?;
    read(file).ok().flatten().map(|token| Secret::new(token.as_str()))
}

/// The token of a data folder, made at first use. What is there and is no token is replaced.
pub fn load_token(folder: &Path) -> std::io::Result<Secret> {
    match read(open_private(&folder.join(FILE))?)? {
        Some(token) => {
            make_private(&folder.join(FILE))?;
            Ok(Secret::new(token.as_str()))
        }
        None => renew_token(folder),
    }
}

/// Another token instead of the one before: wholly there, or on an error not at all.
pub fn renew_token(folder: &Path) -> std::io::Result<Secret> {
    let token = guard::fresh()?;
    let fresh = folder.join(format!("{FILE}.new"));
    // Not whatever somebody may have put there with other rights.
    match std::fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = open_private(&fresh)?;
    file.write_all(format!("{}\n", *token).as_bytes())?;
    file.sync_all()?;
    std::fs::rename(fresh, folder.join(FILE))?;
    Ok(Secret::new(token.as_str()))
}

fn read(file: std::fs::File) -> std::io::Result<Option<Zeroizing<String>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LONGEST).read_to_end(&mut bytes)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default().trim();
    let digits = text.strip_prefix(guard::PREFIX).unwrap_or_default();
    let is_token = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(is_token.then(|| Zeroizing::new(text.to_owned())))
}

/// A file that was copied or restored may have come with other rights.
#[cfg(unix)]
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stays_until_it_is_renewed_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        assert!(token(folder.path()).is_none());
        let first = load_token(folder.path()).unwrap();
        assert!(load_token(folder.path()).unwrap() == first && token(folder.path()).unwrap() == first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.path().join(FILE);
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
            load_token(folder.path()).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let second = renew_token(folder.path()).unwrap();
        assert!(second != first && token(folder.path()).unwrap() == second);
    }

    #[test]
    fn what_is_no_token_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let whole = guard::fresh().unwrap();
        let (cut, longer) = (&whole[..40], format!("{}0", *whole));
        for text in ["", "\n", "llmflow_", "secret", cut, &longer, &"x".repeat(100_000)] {
            std::fs::write(folder.path().join(FILE), text).unwrap();
            assert!(token(folder.path()).is_none(), "{text:.80}");
            let made = load_token(folder.path()).unwrap();
            assert!(made.reveal() != text && token(folder.path()).unwrap() == made);
        }
    }
}
