//! The shells that words are written for. Leaves out what the words mean.

/// What a snippet is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shell {
    /// bash, zsh and other POSIX shells.
    Posix,
    /// fish.
    Fish,
    /// PowerShell.
    PowerShell,
}

impl Shell {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Posix, Self::Fish, Self::PowerShell];

    /// Its name in programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Posix => "posix",
            Self::Fish => "fish",
            Self::PowerShell => "powershell",
        }
    }

    /// Its name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Posix => "bash, zsh",
            Self::Fish => "fish",
            Self::PowerShell => "PowerShell",
        }
    }

    /// The line that sets a variable. No value of ours has a single quote.
    pub fn set(self, name: &str, value: &str) -> String {
        // Addresses and local keys have no letter that a shell would take for its own; JSON has.
        let plain = value.chars().all(|letter| letter.is_ascii_alphanumeric() || ":/._-".contains(letter));
        let quoted = if plain && self != Self::PowerShell { value.to_owned() } else { format!("'{value}'") };
        match self {
            Self::Posix => format!("export {name}={quoted}"),
            Self::Fish => format!("set -gx {name} {quoted}"),
            Self::PowerShell => format!("$env:{name} = {quoted}"),
        }
    }

    /// A variable's value within a line.
    pub fn value(self, name: &str) -> String {
        match self {
            Self::Posix | Self::Fish => format!("${name}"),
            Self::PowerShell => format!("$env:{name}"),
        }
    }

    /// The line that gives a program arguments each time it is called.
    pub(super) fn wrap(self, program: &str, arguments: &str) -> String {
        match self {
            Self::Posix => format!("alias {program}='{program} {arguments}'"),
            Self::Fish => format!("alias {program} '{program} {arguments}'"),
            Self::PowerShell => format!(
                "function {program} {{ & (Get-Command {program} -CommandType Application | Select-Object -First 1) {arguments} @args }}"
            ),
        }
    }
}
