//! A disk of the app's own that can be filled, and emptied again. Linux only.

use std::path::{Path, PathBuf};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tests::{App, Setup, binary};

/// How a disk can be filled here.
#[derive(Debug)]
pub(crate) enum Disk {
    /// A small file system of its own, mounted where only the app sees it, with these flags of `unshare`.
    Small(&'static str),
    /// Where mounting is not allowed: no file may grow any more.
    Limited,
}

impl Disk {
    /// What works here.
    pub(crate) fn for_test() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounts = |flags: &&str| {
            let script = r#"mount -t tmpfs -o size=1m none "$0""#;
            let mut unshare = std::process::Command::new("unshare");
            let unshare = unshare.args([flags, "sh", "-c", script]).arg(folder.path());
            unshare.output().is_ok_and(|output| output.status.success())
        };
        ["-rm", "-m"].into_iter().find(mounts).map_or(Self::Limited, Self::Small)
    }

    /// Starts the app on it.
    pub(crate) async fn start(&self, setup: Setup) -> App {
        let (program, flags, script) = match self {
            Self::Small(flags) => {
                ("unshare", Some(*flags), r#"mount -t tmpfs -o size=16m none "$DATA_DIR" && exec "$0" serve"#)
            }
            // A program that is told of the limit by a signal would end.
            Self::Limited => ("sh", None, r#"trap "" XFSZ; exec "$0" serve"#),
        };
        let mut setup = setup.program(Path::new(program));
        for argument in flags.into_iter().chain(flags.map(|_| "sh")).chain(["-c", script]) {
            setup = setup.argument(argument);
        }
        setup.argument(&binary().display().to_string()).start().await
    }

    /// Nothing more can be written from here on.
    pub(crate) fn fill(&self, app: &App) -> Full {
        let process = app.process_id();
        match self {
            Self::Small(_) => {
                let data = app.data();
                let inside = Path::new("/proc").join(process.to_string()).join("root");
                let filler = inside.join(data.strip_prefix("/").unwrap()).join("filler");
                // Until not one byte more fits.
                let mut file = std::fs::File::create(&filler).unwrap();
                for size in [1 << 20, 4096, 1] {
                    use std::io::Write;
                    while file.write_all(&vec![0; size]).is_ok() {}
                }
                Full::Filled(filler)
            }
            Self::Limited => {
                let process = Pid::from_raw(i32::try_from(process).unwrap()).unwrap();
                let log = std::fs::metadata(app.data().join("data.db-wal")).map_or(0, |file| file.len());
                let limit = Rlimit { current: Some(log), maximum: None };
                Full::Limited(process, prlimit(Some(process), Resource::Fsize, limit).unwrap())
            }
        }
    }
}

/// A disk that is full.
pub(crate) enum Full {
    Filled(PathBuf),
    Limited(Pid, Rlimit),
}

impl Full {
    /// Makes room again.
    pub(crate) fn release(self) {
        match self {
            Self::Filled(filler) => std::fs::remove_file(filler).unwrap(),
            Self::Limited(process, before) => {
                prlimit(Some(process), Resource::Fsize, before).unwrap();
            }
        }
    }
}
