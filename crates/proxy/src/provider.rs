//! The providers: their names, their addresses, how a client's path becomes the upstream's, how they take a key.
//! Leaves out matching a request to one of them (`route`).

mod custom;
mod table;

use std::fmt;
use std::sync::{Arc, LazyLock};

pub use custom::{Custom, DIALECTS};

/// How the path after a provider's prefix becomes the upstream's path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathRule {
    /// As it is.
    Unchanged,
    /// Behind this prefix, unless the client wrote it already.
    Below(String),
    /// As it is, but for this path, which is at another place.
    Instead {
        /// As OpenAI's clients ask for it.
        asked: String,
        /// Where it is.
        path: String,
    },
    /// As Azure OpenAI wants it: a deployment in the path, found by the body's model (`azure`).
    Azure,
    /// As Amazon Bedrock wants it: a region in the address, which the path may name (`bedrock`).
    Bedrock,
}

/// How a provider takes its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// `Authorization: Bearer …`.
    Bearer,
    /// In a header of its own.
    Header {
        /// The header.
        name: &'static str,
        /// Below this path it speaks OpenAI's dialect and takes `Authorization: Bearer …`.
        bearer_below: Option<&'static str>,
    },
    /// `Bearer …` in a header of its own, beside the credentials that are meant for whoever is behind it.
    Beside {
        /// The header.
        name: &'static str,
    },
    /// `Authorization: Bearer …`; without a key, the signature of this machine's AWS credentials.
    Aws,
    /// It takes none.
    NotNeeded,
}

/// A provider's key: its form, where one may be found, how one is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRule {
    /// How it is sent.
    pub form: KeyForm,
    /// The environment variables that may hold it; the first that does wins.
    pub variables: Vec<String>,
    /// The upstream's path that answers only a good key and costs nothing.
    pub check: Option<&'static str>,
}

/// One provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name: the first segment of its route, the stem of its settings, the word recorded.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Whose dialect it speaks: its own name, or that of a provider in the table.
    pub speaks: String,
    /// Where it answers unless settings say otherwise. `{resource}` in it is Azure's resource, `{region}` AWS's region.
    pub base_url: String,
    /// How paths map.
    pub path: PathRule,
    /// What OpenAI-shaped calls to it are translated to; `None` where it takes them as they are.
    pub translated: Option<translate::Target>,
    /// `/passthrough/{name}/*` exists too.
    pub passthrough: bool,
    /// It runs on the user's own machine when it runs at all.
    pub local: bool,
    /// It comes from the settings.
    pub custom: bool,
    /// Its key.
    pub key: KeyRule,
}

impl Provider {
    /// The upstream's path and query for what follows this provider's prefix; always begins with `/`.
    pub(crate) fn upstream_path(&self, rest: &str) -> String {
        let slash = if rest.starts_with('/') { "" } else { "/" };
        match &self.path {
            PathRule::Below(prefix) if !is_below(rest, prefix) => format!("{prefix}{slash}{rest}"),
            PathRule::Instead { asked, path } if is_below(rest, asked) => {
                format!("{path}{}", rest.get(asked.len()..).unwrap_or_default())
            }
            PathRule::Below(_)
            | PathRule::Instead { .. }
            | PathRule::Unchanged
            | PathRule::Azure
            | PathRule::Bedrock => {
                format!("{slash}{rest}")
            }
        }
    }
}

/// Every provider there is: those of the table, and the user's own. Clones share them.
#[derive(Clone)]
pub struct Providers {
    default: Arc<Provider>,
    rows: Arc<[Arc<Provider>]>,
}

static BUILT_IN: LazyLock<Providers> = LazyLock::new(|| {
    let default = Arc::new(table::default());
    let others = table::others().into_iter().map(Arc::new);
    let rows = std::iter::once(default.clone()).chain(others).collect();
    Providers { default, rows }
});

impl Providers {
    /// Those of the table.
    pub fn built_in() -> Self {
        BUILT_IN.clone()
    }

    /// Those of the table and `custom`, or what is wrong with one of these.
    pub fn with(custom: &[Custom]) -> Result<Self, String> {
        let Self { default, rows } = Self::built_in();
        let mut rows: Vec<Arc<Provider>> = rows.to_vec();
        for custom in custom {
            rows.push(Arc::new(custom.provider()?));
        }
        Ok(Self { default, rows: rows.into() })
    }

    /// The provider for paths that name none.
    pub fn default_one(&self) -> &Arc<Provider> {
        &self.default
    }

    /// The provider called `name`, in any case.
    pub fn find(&self, name: &str) -> Option<&Arc<Provider>> {
        self.iter().find(|provider| provider.name.eq_ignore_ascii_case(name))
    }

    /// All of them, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.rows.iter()
    }

    /// The names of those that `keep` keeps, for a sentence.
    pub fn names(&self, keep: impl Fn(&Provider) -> bool) -> String {
        let names: Vec<_> =
            self.iter().filter(|provider| keep(provider)).map(|provider| provider.name.as_str()).collect();
        names.join(", ")
    }
}

impl Default for Providers {
    fn default() -> Self {
        Self::built_in()
    }
}

impl fmt::Debug for Providers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names(|_| true))
    }
}

/// What OpenAI-shaped calls become for who speaks `dialect`.
fn target_of(dialect: &str) -> Option<translate::Target> {
    match dialect {
        "anthropic" => Some(translate::Target::Anthropic),
        "gemini" => Some(translate::Target::Gemini),
        "cohere" => Some(translate::Target::Cohere),
        _ => None,
    }
}

/// Whether `path` is `prefix` itself or lies below it.
pub(crate) fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
}
