//! The ways in which a tool is told where to send its calls, as words for a shell or a file. Leaves out which tool takes
//! which.

use super::Shell;

/// How a tool is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By variables of its environment, the telling one first.
    Variables(Vec<(&'static str, String)>),
    /// By arguments, each time it is called.
    Arguments {
        /// Its program.
        program: &'static str,
        /// What stands before its own arguments.
        arguments: Vec<String>,
    },
    /// By a command whose words it keeps.
    Once {
        /// The command without the key.
        command: String,
        /// The key follows this.
        key_argument: &'static str,
    },
    /// By a file of its own.
    File {
        /// The file.
        path: &'static str,
        /// What stands there; the key follows.
        lines: String,
    },
}

impl Way {
    /// What tells it, in a word or two.
    pub fn by(&self) -> &'static str {
        match self {
            Self::Variables(all) => all.first().map_or("", |(name, _)| *name),
            Self::Arguments { .. } | Self::Once { .. } => "on its command line",
            Self::File { path, .. } => path,
        }
    }

    pub(super) fn setup(&self, shell: Shell, key_variable: &str) -> String {
        let mut text = match self {
            Self::Variables(all) => set(shell, all),
            Self::Arguments { program, arguments } => shell.wrap(program, &arguments.join(" ")),
            Self::Once { .. } | Self::File { .. } => self.snippet(shell, None, key_variable, None),
        };
        text.push('\n');
        text
    }

    pub(super) fn snippet(
        &self,
        shell: Shell,
        program: Option<&str>,
        key_variable: &str,
        key: Option<&str>,
    ) -> String {
        let key_line = key.map(|key| shell.set(key_variable, key));
        let started = program.map(str::to_owned);
        let lines = match self {
            Self::Variables(all) => [Some(set(shell, all)), key_line, started],
            // A command finds its key there already.
            Self::Arguments { program, arguments } => {
                [key_line, Some(format!("{program} {}", arguments.join(" "))), None]
            }
            Self::Once { command, key_argument } => {
                let kept = format!("{command} {key_argument} {}", shell.value(key_variable));
                [key_line, Some(kept), started]
            }
            Self::File { path, lines } => {
                let key = key.unwrap_or("YOUR_KEY");
                [Some(format!("# {path}")), Some(format!("{lines}{key}")), None]
            }
        };
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

fn set(shell: Shell, variables: &[(&str, String)]) -> String {
    let lines: Vec<String> = variables.iter().map(|(name, value)| shell.set(name, value)).collect();
    lines.join("\n")
}
