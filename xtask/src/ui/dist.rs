//! The files of `ui/dist`: what goes in, whether it changed, and the swap of old for new.
//!
//! Left out: making the wasm and its JavaScript. See `ui`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};

/// What the folder is made of.
pub(crate) struct Ingredients {
    /// The page.
    pub(crate) index: PathBuf,
    /// Styles, fonts, pictures: copied to the folder's root.
    pub(crate) assets: PathBuf,
    /// As compiled, not bound yet.
    pub(crate) wasm: PathBuf,
}

impl Ingredients {
    /// Changes when any file's name or content does.
    pub(crate) fn stamp(&self) -> Result<String> {
        let mut hasher = DefaultHasher::new();
        let mut files = vec![self.index.clone(), self.wasm.clone()];
        files.extend(files_below(&self.assets)?);
        for file in files {
            file.hash(&mut hasher);
            read(&file)?.hash(&mut hasher);
        }
        Ok(format!("{:016x}", hasher.finish()))
    }

    /// Copies page and assets, keeping the assets' folders.
    pub(crate) fn copy_page_to(&self, folder: &Path) -> Result<()> {
        copy(&self.index, &folder.join("index.html"))?;
        for file in files_below(&self.assets)? {
            copy(&file, &folder.join(file.strip_prefix(&self.assets)?))?;
        }
        Ok(())
    }
}

/// Every file below a folder, in order; a folder that is not there has none.
fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot list {}", folder.display())),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path)?);
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}; check out the whole repository", file.display()))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// An empty folder, whatever an interrupted build left there.
pub(crate) fn make_empty(folder: &Path) -> Result<()> {
    remove(folder)?;
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// Puts `fresh` where `dist` was.
pub(crate) fn replace(dist: &Path, fresh: &Path) -> Result<()> {
    let old = dist.with_extension("old");
    remove(&old)?;
    match fs::rename(dist, &old) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot move {} away; is it open?", dist.display()));
        }
        _ => {}
    }
    fs::rename(fresh, dist).with_context(|| format!("cannot move {} into place", dist.display()))?;
    remove(&old)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// `wasm 221 KB, 92 KB compressed`.
pub(crate) fn size(wasm: &Path) -> Result<String> {
    let bytes = read(wasm)?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&bytes)?;
    let compressed = encoder.finish()?;
    Ok(format!("wasm {} KB, {} KB compressed", bytes.len() / 1000, compressed.len() / 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ingredients(folder: &Path) -> Ingredients {
        let made = Ingredients {
            index: folder.join("index.html"),
            assets: folder.join("assets"),
            wasm: folder.join("ui.wasm"),
        };
        fs::create_dir_all(made.assets.join("fonts")).unwrap();
        fs::write(&made.index, "page").unwrap();
        fs::write(&made.wasm, "wasm").unwrap();
        fs::write(made.assets.join("fonts/a.woff2"), "font").unwrap();
        made
    }

    #[test]
    fn a_changed_asset_changes_the_stamp() {
        let folder = tempfile::tempdir().unwrap();
        let made = ingredients(folder.path());
        let before = made.stamp().unwrap();
        assert_eq!(before, made.stamp().unwrap(), "nothing changed");
        fs::write(made.assets.join("fonts/a.woff2"), "another").unwrap();
        assert_ne!(before, made.stamp().unwrap());
    }

    #[test]
    fn the_new_folder_replaces_the_old_with_all_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let (dist, fresh) = (folder.path().join("dist"), folder.path().join("dist.new"));
        fs::create_dir_all(&dist).unwrap();
        fs::write(dist.join("stale.js"), "old").unwrap();
        make_empty(&fresh).unwrap();
        ingredients(folder.path()).copy_page_to(&fresh).unwrap();
        replace(&dist, &fresh).unwrap();
        assert!(dist.join("fonts/a.woff2").is_file());
        assert!(!dist.join("stale.js").exists(), "a file that is gone must not linger");
        assert!(!fresh.exists() && !folder.path().join("dist.old").exists());
    }
}
