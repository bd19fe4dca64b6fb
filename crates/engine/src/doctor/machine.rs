//! The machine as the doctor sees it: the home folder, where programs lie, and the shell's variables. A test makes
//! one of a temporary folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where programs lie that are not on everybody's `PATH`, below the home folder.
const BELOW_HOME: &[&str] = &[
    ".local/bin",
    ".npm-global/bin",
    ".npm/bin",
    ".bun/bin",
    ".volta/bin",
    ".yarn/bin",
    ".cargo/bin",
    ".claude/local",
    ".opencode/bin",
    "AppData/Roaming/npm",
];
/// And at the root.
const AT_ROOT: &[&str] = &["/usr/local/bin", "/opt/homebrew/bin", "/home/linuxbrew/.linuxbrew/bin"];
/// What a program is called on disk: itself, and with the endings Windows gives.
const ENDINGS: &[&str] = &["", ".exe", ".cmd"];

/// What there is to look at.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// The home folder.
    pub home: PathBuf,
    /// Folders with programs, in order.
    pub programs: Vec<PathBuf>,
    /// Folders with applications.
    pub applications: Vec<PathBuf>,
    /// The shell's variables.
    pub variables: BTreeMap<String, String>,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()).unwrap_or_default();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let below = BELOW_HOME.iter().map(|folder| home.join(folder));
        let at_root = AT_ROOT.iter().map(PathBuf::from);
        Self {
            programs: std::env::split_paths(&path).chain(below).chain(at_root).collect(),
            applications: vec![
                "/Applications".into(),
                home.join("Applications"),
                "/opt".into(),
                "/usr/share".into(),
            ],
            // A variable that is not text points nowhere.
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            home,
        }
    }

    /// A variable that says something.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The first program of this name.
    pub(super) fn program(&self, name: &str) -> Option<PathBuf> {
        self.programs
            .iter()
            .flat_map(|folder| ENDINGS.iter().map(move |ending| folder.join(format!("{name}{ending}"))))
            .find(|path| path.is_file())
    }

    /// A small text file below the home folder.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        read(&self.home.join(path))
    }
}

/// A text file of a size that settings have.
pub(super) fn read(path: &Path) -> Option<String> {
    const LARGEST: u64 = 4 << 20;
    let file = std::fs::metadata(path).ok().filter(|file| file.is_file() && file.len() <= LARGEST);
    file.and_then(|_| std::fs::read_to_string(path).ok())
}
