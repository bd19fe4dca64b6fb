//! The data folder: whose it is, who else may look in, how much room there is, and whether the database is whole.

#[cfg(unix)]
use std::fs::DirEntry;
use std::fs::Metadata;
use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
use std::time::Duration;

use super::{Finding, Mark, Patient};
use crate::settings::Settings;

const FOLDER: &str = "Data folder";
const DATABASE: &str = "Database";
/// Less room than this fills up in a day of work.
const LITTLE: u64 = 1 << 30;
/// With less than this nothing can be recorded soon.
const NONE: u64 = 64 << 20;
/// Checking a database of many gigabytes takes longer than anybody waits.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let folder = &patient.settings.data_dir;
    let shown = folder.display();
    let about = match std::fs::metadata(folder) {
        Ok(about) if about.is_dir() => about,
        Ok(_) => {
            let says = format!("{shown} is a file.");
            let remedy = "Move it away, or set DATA_DIR to a folder.";
            return vec![Finding::new(FOLDER, Mark::Fail, says).remedy(remedy)];
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return vec![absent(folder)],
        Err(error) => {
            let says = format!("{shown} cannot be read: {error}.");
            return vec![Finding::new(FOLDER, Mark::Fail, says).remedy("Check its owner, or set DATA_DIR.")];
        }
    };
    let mut findings = access(folder, &about);
    if findings.is_empty() {
        findings.push(Finding::new(FOLDER, Mark::Ok, format!("{shown} is yours alone.")));
    }
    findings.extend(room(folder));
    findings.extend(database(patient).await);
    findings
}

/// Reads everything that is stored.
pub(super) async fn verify(settings: &Settings) -> Vec<Finding> {
    const SUBJECT: &str = "Stored data";
    let path = settings.data_dir.join("data.db");
    if !path.exists() {
        return vec![Finding::new(SUBJECT, Mark::Ok, "Nothing is stored yet.")];
    }
    match store::verify(&path).await {
        Ok(found) if found.problems.is_empty() => {
            let says = format!(
                "{} calls, {} bodies ({} bytes, {} compared by their hashes) and {} reports were read: all are whole.",
                found.calls, found.bodies, found.bytes, found.hashed, found.reports
            );
            vec![Finding::new(SUBJECT, Mark::Ok, says)]
        }
        Ok(found) => {
            let problems = found.problems.into_iter();
            let mut findings: Vec<Finding> = problems
                .map(|(what, remedy)| Finding::new(SUBJECT, Mark::Fail, what).remedy(remedy))
                .collect();
            if found.more > 0 {
                let says = format!("{} more of the kind were found.", found.more);
                findings.push(Finding::new(SUBJECT, Mark::Fail, says));
            }
            findings
        }
        Err(error) => {
            let says = format!("What is stored could not be checked: {}.", error.reason());
            vec![
                Finding::new(SUBJECT, Mark::Fail, says)
                    .remedy("Stop LLMFlow, put a copy back with: llmflow restore FILE"),
            ]
        }
    }
}

/// A folder that the first start makes, if it can.
fn absent(folder: &Path) -> Finding {
    let above = folder.ancestors().skip(1).find(|above| above.exists());
    let shown = folder.display();
    match above {
        Some(above) if !may_write(above) => Finding::new(
            FOLDER,
            Mark::Fail,
            format!("{shown} is not there, and {} is not yours to write to.", above.display()),
        )
        .remedy("Set DATA_DIR to a folder of yours."),
        _ => Finding::new(FOLDER, Mark::Ok, format!("{shown} is not there; the first start makes it.")),
    }
}

#[cfg(unix)]
fn access(folder: &Path, about: &Metadata) -> Vec<Finding> {
    use std::os::unix::fs::MetadataExt;

    let (shown, mut findings) = (folder.display(), Vec::new());
    let us = rustix::process::geteuid().as_raw();
    if about.uid() != us {
        let says = format!("{shown} belongs to account {}, and this is account {us}.", about.uid());
        findings.push(
            Finding::new(FOLDER, Mark::Warn, says)
                .remedy("Run LLMFlow under one account, or set DATA_DIR to a folder of this one."),
        );
    }
    if !may_write(folder) {
        let says = format!("{shown} cannot be written to.");
        findings.push(
            Finding::new(FOLDER, Mark::Fail, says)
                .remedy(format!("chown and chmod u+rwx {shown}, or set DATA_DIR.")),
        );
    }
    if about.mode() & 0o077 != 0 {
        let says = format!("Other accounts may look into {shown} (mode {:03o}).", about.mode() & 0o777);
        findings.push(Finding::new(FOLDER, Mark::Warn, says).remedy(format!("chmod 700 {shown}")));
    }
    let open: Vec<String> = open_files(folder).iter().map(|file| file.display().to_string()).collect();
    if !open.is_empty() {
        let says = format!("Other accounts may read or write {}.", open.join(", "));
        let quoted: Vec<String> = open.iter().map(|file| quoted(file)).collect();
        findings
            .push(Finding::new(FOLDER, Mark::Warn, says).remedy(format!("chmod 600 {}", quoted.join(" "))));
    }
    findings
}

/// Every file in the folder that is not its owner's alone.
#[cfg(unix)]
fn open_files(folder: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt;

    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    // Of a link its own mode says nothing.
    let is_open =
        |file: &DirEntry| file.metadata().is_ok_and(|about| about.is_file() && about.mode() & 0o077 != 0);
    let mut open: Vec<PathBuf> = files.filter(is_open).map(|file| file.path()).collect();
    open.sort();
    open
}

/// A path as a shell takes it for one word.
#[cfg(unix)]
fn quoted(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(&byte);
    if path.bytes().all(plain) { path.to_owned() } else { format!("'{}'", path.replace('\'', "'\\''")) }
}

#[cfg(not(unix))]
fn access(folder: &Path, _: &Metadata) -> Vec<Finding> {
    if may_write(folder) {
        return Vec::new();
    }
    let says = format!("{} cannot be written to.", folder.display());
    vec![Finding::new(FOLDER, Mark::Fail, says).remedy("Check its owner, or set DATA_DIR.")]
}

#[cfg(unix)]
fn may_write(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn may_write(folder: &Path) -> bool {
    !std::fs::metadata(folder).is_ok_and(|about| about.permissions().readonly())
}

#[cfg(unix)]
fn room(folder: &Path) -> Option<Finding> {
    let about = rustix::fs::statvfs(folder).ok()?;
    let free = about.f_bavail.saturating_mul(about.f_frsize);
    let mark = match free {
        free if free < NONE => Mark::Fail,
        free if free < LITTLE => Mark::Warn,
        _ => return Some(Finding::new(FOLDER, Mark::Ok, format!("{} are free.", size(free)))),
    };
    let says = format!("Only {} are free.", size(free));
    Some(Finding::new(FOLDER, mark, says).remedy("Make room, or set DATA_DIR to a folder on another disk."))
}

#[cfg(not(unix))]
fn room(_: &Path) -> Option<Finding> {
    None
}

#[cfg(unix)]
fn size(bytes: u64) -> String {
    match bytes {
        bytes if bytes >= 1 << 30 => format!("{} GiB", bytes >> 30),
        bytes => format!("{} MiB", bytes >> 20),
    }
}

async fn database(patient: &Patient<'_>) -> Option<Finding> {
    let path = patient.settings.data_dir.join("data.db");
    let shown = path.display();
    if let Some(instance) = &patient.instance {
        let says = match &patient.health {
            Some(health) => {
                format!("LLMFlow (process {}) has it open, with {} calls.", instance.pid, health.calls)
            }
            None => format!("LLMFlow (process {}) has it open.", instance.pid),
        };
        return Some(Finding::new(DATABASE, Mark::Ok, says));
    }
    if !path.exists() {
        return None;
    }
    let Ok(inspected) = tokio::time::timeout(PATIENCE, store::inspect(&path)).await else {
        let says =
            format!("Checking {shown} took longer than {} seconds and was given up.", PATIENCE.as_secs());
        let remedy = format!("Stop LLMFlow and ask yourself: sqlite3 {shown} 'PRAGMA integrity_check'");
        return Some(Finding::new(DATABASE, Mark::Note, says).remedy(remedy));
    };
    let damaged = |what: String| {
        Finding::new(DATABASE, Mark::Fail, format!("{shown} is damaged: {what}.")).remedy("Keep a copy of the folder, then move data.db away; LLMFlow begins a new one. sqlite3's .recover saves what can be saved.")
    };
    Some(match inspected {
        Ok(found) if found.foreign => {
            Finding::new(DATABASE, Mark::Warn, format!("{shown} is another program's."))
                .remedy("LLMFlow moves it aside, untouched, at its next start; set DATA_DIR if it is to stay.")
        }
        Ok(found) if !found.damage.is_empty() => damaged(found.damage.join("; ")),
        Ok(found) if found.version > found.newest => Finding::new(
            DATABASE,
            Mark::Fail,
            format!("{shown} was written by a newer LLMFlow (schema {}, this one knows {}).", found.version, found.newest),
        )
        .remedy("Update LLMFlow, or set DATA_DIR to another folder."),
        Ok(found) => Finding::new(
            DATABASE,
            Mark::Ok,
            format!("{shown} is whole: {} calls, schema {} of {}.", found.calls, found.version, found.newest),
        ),
        Err(error) => Finding::new(DATABASE, Mark::Fail, format!("{shown} cannot be read: {error}."))
            .remedy("Close programs that have it open and check its owner; if it is damaged, move it away and LLMFlow begins a new one."),
    })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_read_is_named_with_the_command_that_closes_it() {
        let above = tempfile::tempdir().unwrap();
        let folder = above.path().join("a b");
        std::fs::create_dir(&folder).unwrap();
        let mode =
            |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        mode(&folder, 0o700);
        for name in ["local-keys.json", "data.db"] {
            std::fs::write(folder.join(name), "").unwrap();
            mode(&folder.join(name), 0o600);
        }
        assert!(access(&folder, &std::fs::metadata(&folder).unwrap()).is_empty());
        mode(&folder.join("local-keys.json"), 0o644);
        let found = access(&folder, &std::fs::metadata(&folder).unwrap());
        assert_eq!((found.len(), found[0].mark), (1, Mark::Warn));
        assert!(found[0].says.contains("local-keys.json") && !found[0].says.contains("data.db"), "{found:?}");
        let remedy = found[0].remedy.as_deref().unwrap();
        assert_eq!(remedy, format!("chmod 600 '{}/local-keys.json'", folder.display()));
    }
}
