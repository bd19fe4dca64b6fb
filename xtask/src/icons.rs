//! `cargo xtask icons`: every size of the icon and of the tray's, from the drawings in `icons/`.
//!
//! There are two drawings of the icon: lines as thin as the large one's are mud at 16 px. Up to 32 px is made from
//! `icon-small.svg`, and `.ico` and `.icns` hold both. Left out: the two containers' formats (`container`).

mod container;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::step::Step;
use crate::tauri;
use crate::workspace::Workspace;

const SMALL: &[u32] = &[16, 24, 32];
const LARGE: &[u32] = &[48, 64, 128, 256, 512, 1024];
/// What the tray shows, and for which system: macOS wants a black shape to colour itself.
const TRAY: [(&str, u32); 6] = [
    ("normal", 32),
    ("paused", 32),
    ("failed", 32),
    ("normal-template", 18),
    ("paused-template", 18),
    ("failed-template", 18),
];

/// Writes them beside the drawings; what is written is committed.
pub(crate) fn make(workspace: &Workspace) -> Result<()> {
    let maker =
        Maker { workspace, icons: workspace.root.join("icons"), scratch: workspace.target.join("icons") };
    maker.plain()?;
    maker.tray()?;
    maker.containers()?;
    println!("\nicons: written to {}; look at the small ones before committing", maker.icons.display());
    Ok(())
}

struct Maker<'a> {
    workspace: &'a Workspace,
    icons: PathBuf,
    scratch: PathBuf,
}

impl Maker<'_> {
    fn plain(&self) -> Result<()> {
        for (drawing, sizes) in [("icon-small.svg", SMALL), ("icon.svg", LARGE)] {
            let made = self.render(&self.icons.join(drawing), sizes)?;
            for size in sizes {
                copy(
                    &made.join(format!("{size}x{size}.png")),
                    &self.icons.join(format!("{size}x{size}.png")),
                )?;
            }
        }
        // Names that Tauri knows: the last is the one that its bundles scale where they lack a size.
        copy(&self.icons.join("256x256.png"), &self.icons.join("128x128@2x.png"))?;
        copy(&self.icons.join("512x512.png"), &self.icons.join("icon.png"))
    }

    fn tray(&self) -> Result<()> {
        let folder = self.icons.join("tray");
        for (name, size) in TRAY {
            let made = self.render(&folder.join(format!("{name}.svg")), &[size, 2 * size])?;
            for (size, suffix) in [(size, ""), (2 * size, "@2x")] {
                let to = folder.join(format!("{name}{suffix}.png"));
                copy(&made.join(format!("{size}x{size}.png")), &to)?;
            }
        }
        Ok(())
    }

    fn containers(&self) -> Result<()> {
        let pair = |name: &str, small: &Path, large: &Path| -> Result<(Vec<u8>, Vec<u8>)> {
            Ok((read(&self.render(small, &[])?.join(name))?, read(&self.render(large, &[])?.join(name))?))
        };
        let (small, large) =
            pair("icon.ico", &self.icons.join("icon-small.svg"), &self.icons.join("icon.svg"))?;
        write(&self.icons.join("icon.ico"), &container::ico(&small, &large)?)?;
        let (small, large) = (self.with_margin("icon-small.svg", 32)?, self.with_margin("icon.svg", 1024)?);
        let (small, large) = pair("icon.icns", &small, &large)?;
        write(&self.icons.join("icon.icns"), &container::icns(&small, &large)?)
    }

    /// macOS draws icons beside each other without a gap and expects the drawing on 824 of 1024 parts.
    fn with_margin(&self, drawing: &str, side: u32) -> Result<PathBuf> {
        let text =
            fs::read_to_string(self.icons.join(drawing)).with_context(|| format!("cannot read {drawing}"))?;
        let plain = format!("viewBox=\"0 0 {side} {side}\"");
        anyhow::ensure!(text.contains(&plain), "icons/{drawing} should have {plain}");
        let margin = f64::from(side) * 100.0 / 824.0;
        let whole = f64::from(side) + 2.0 * margin;
        let path = self.scratch.join(format!("margin-{drawing}"));
        write(
            &path,
            text.replace(&plain, &format!("viewBox=\"-{margin} -{margin} {whole} {whole}\"")).as_bytes(),
        )?;
        Ok(path)
    }

    /// A folder with PNGs of these sizes, or for none with Tauri's whole set.
    fn render(&self, drawing: &Path, sizes: &[u32]) -> Result<PathBuf> {
        let name = drawing.file_stem().context("a drawing has a name")?;
        let folder = self.scratch.join(name).join(if sizes.is_empty() { "set" } else { "png" });
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut command = tauri::command(self.workspace)?;
        command.arg("icon").arg(drawing).arg("--output").arg(&folder);
        for size in sizes {
            command.args(["--png", &size.to_string()]);
        }
        let title = format!("render {}", drawing.display());
        Step::new(&title, "repair the drawing").run(&mut command)?;
        Ok(folder)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    write(to, &read(from)?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
