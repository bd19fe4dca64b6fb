//! The local keys made since the dashboard was loaded: LLMFlow tells each once, and the page keeps it in memory so that
//! its snippets can be copied. Loading the page again forgets them.

use std::collections::BTreeMap;

use api::LocalKey;
use leptos::prelude::*;

/// By name.
#[derive(Clone, Copy, Default)]
pub struct MadeKeys(RwSignal<BTreeMap<String, String>>);

impl MadeKeys {
    /// Remembers a key.
    pub fn add(self, name: String, key: String) {
        self.0.update(|made| _ = made.insert(name, key));
    }

    /// The key itself, if it was made here and is still that one.
    pub fn find(self, of: &LocalKey) -> Option<String> {
        self.0.with(|made| made.get(&of.name).filter(|key| key.ends_with(&of.hint)).cloned())
    }

    /// The key itself, or what stands where it belongs.
    pub fn or_blank(self, of: &LocalKey) -> String {
        self.find(of).unwrap_or_else(|| blank(of))
    }
}

/// Has no letter that a shell would take for its own.
fn blank(of: &LocalKey) -> String {
    format!("lf-{}-PASTE-YOUR-KEY", of.name)
}
