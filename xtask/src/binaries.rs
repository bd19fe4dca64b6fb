//! The binaries `llmflow` and `llmflow-desktop`, with the dashboard inside.
//!
//! Left out: running them. See `start`.

use std::env::consts::EXE_SUFFIX;
use std::path::PathBuf;

use anyhow::Result;

use crate::setup;
use crate::step::Step;
use crate::ui;
use crate::workspace::Workspace;

/// Features that put the dashboard into the headless binary.
pub(crate) const HEADLESS_FEATURES: &str = "cli/embed";
/// The same for the window's, which otherwise looks for a development server.
pub(crate) const DESKTOP_FEATURES: &str = "llmflow-desktop/custom-protocol";

/// How much the compiler optimises.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// Built soonest.
    Dev,
    /// As shipped.
    Release,
}

impl Profile {
    /// What `--release` on the command line means.
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Where cargo puts a binary.
pub(crate) fn path(workspace: &Workspace, profile: Profile, name: &str) -> PathBuf {
    workspace.target.join(profile.folder()).join(format!("{name}{EXE_SUFFIX}"))
}

/// `cargo xtask build`: both where the window's libraries are, and it says so where they are not.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<()> {
    let desktop = setup::has_desktop_libraries();
    compile(workspace, profile, desktop)?;
    println!("\nbuilt {}", path(workspace, profile, "llmflow").display());
    if desktop {
        println!("built {}", path(workspace, profile, "llmflow-desktop").display());
    } else {
        println!("left out llmflow-desktop: its libraries are missing; `cargo xtask setup` installs them");
    }
    Ok(())
}

/// The dashboard, then the binaries in one cargo call, so that shared dependencies are built once.
pub(crate) fn compile(workspace: &Workspace, profile: Profile, desktop: bool) -> Result<()> {
    compile_with(workspace, profile, desktop, None)
}

/// The same with a JSON text laid over Tauri's configuration.
pub(crate) fn compile_with(
    workspace: &Workspace,
    profile: Profile,
    desktop: bool,
    configuration: Option<&str>,
) -> Result<()> {
    ui::build(workspace)?;
    let mut command = workspace.cargo();
    command.args(["build", "--package", "cli", "--features", HEADLESS_FEATURES]);
    if desktop {
        command.args(["--package", "llmflow-desktop", "--features", DESKTOP_FEATURES]);
    }
    if matches!(profile, Profile::Release) {
        command.arg("--release");
    }
    if let Some(configuration) = configuration {
        command.env("TAURI_CONFIG", configuration);
    }
    let title = if desktop { "build llmflow and llmflow-desktop" } else { "build llmflow" };
    Step::new(title, "repair what the compiler names above").run(&mut command)?;
    Ok(())
}
