//! The licences of every library that is compiled into a binary, as their authors ask for it.
//!
//! Left out: which licences are allowed. See `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::workspace::Workspace;

const SHIPPED: [&str; 3] = ["cli", "llmflow-desktop", "ui"];
const RULE: &str = "\n────────────────────────────────────────────────────────────────────────\n\n";

/// Every library with its licence's name, then each text once with the libraries it belongs to.
pub(super) fn notices(workspace: &Workspace) -> Result<String> {
    let output = workspace.cargo().args(["metadata", "--locked", "--format-version", "1"]).output()?;
    anyhow::ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata is not JSON")?;
    let mut list = String::from("LLMFlow contains these libraries. The texts of their licences follow.\n\n");
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in shipped(&metadata).context("cargo metadata lacks a field")? {
        let field = |name: &str| package[name].as_str().unwrap_or_default();
        let title = format!("{} {}", field("name"), field("version"));
        writeln!(list, "{title}: {}", field("license"))?;
        let folder = Path::new(field("manifest_path")).parent().unwrap_or(Path::new("."));
        for text in texts_in(folder, field("license"))? {
            texts.entry(text).or_default().insert(title.clone());
        }
    }
    for (text, owners) in texts {
        let owners: Vec<_> = owners.into_iter().collect();
        write!(list, "{RULE}{}:\n\n{text}\n", owners.join(", "))?;
    }
    Ok(list)
}

/// The foreign packages that a shipped one needs to run, on any system, by name and version.
fn shipped(metadata: &Value) -> Option<Vec<&Value>> {
    let packages: BTreeMap<&str, &Value> =
        metadata["packages"].as_array()?.iter().filter_map(|it| Some((it["id"].as_str()?, it))).collect();
    let nodes: BTreeMap<&str, &Value> = metadata["resolve"]["nodes"]
        .as_array()?
        .iter()
        .filter_map(|it| Some((it["id"].as_str()?, it)))
        .collect();
    let is_ours = |package: &Value| package["source"].is_null();
    let is_shipped = |package: &Value| package["name"].as_str().is_some_and(|name| SHIPPED.contains(&name));
    let mut open: Vec<&str> =
        packages.iter().filter(|(_, it)| is_ours(it) && is_shipped(it)).map(|(id, _)| *id).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if seen.insert(id) {
            open.extend(nodes.get(id)?["deps"].as_array()?.iter().filter_map(needed));
        }
    }
    let mut found: Vec<_> =
        seen.iter().filter_map(|id| packages.get(id).copied()).filter(|it| !is_ours(it)).collect();
    found.sort_by_key(|it| (it["name"].as_str(), it["version"].as_str()));
    Some(found)
}

/// A dependency's package, unless only tests or a build script need it.
fn needed(dependency: &Value) -> Option<&str> {
    let kinds = dependency["dep_kinds"].as_array()?;
    if kinds.iter().any(|kind| kind["kind"].is_null()) { dependency["pkg"].as_str() } else { None }
}

/// Where the licence is a choice that includes MIT, that text alone.
fn texts_in(folder: &Path, licence: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let upper = name.to_uppercase();
        let known = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
        if known.iter().any(|known| upper.starts_with(known)) && folder.join(&name).is_file() {
            names.push(name);
        }
    }
    names.sort();
    if licence.contains("MIT OR") || licence.contains("OR MIT") {
        let mit: Vec<_> = names.iter().filter(|name| name.to_uppercase().contains("MIT")).cloned().collect();
        names = if mit.is_empty() { names } else { mit };
    }
    names
        .iter()
        .map(|name| {
            let bytes = fs::read(folder.join(name)).with_context(|| format!("cannot read {name}"))?;
            Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tests_or_build_scripts_need_is_left_out() {
        let metadata: Value = serde_json::from_str(
            r#"{"packages":[
              {"id":"cli","name":"cli","source":null},{"id":"a","name":"a","version":"1","source":"x"},
              {"id":"b","name":"b","version":"1","source":"x"},{"id":"c","name":"c","version":"1","source":"x"},
              {"id":"own","name":"api","source":null}],
              "resolve":{"nodes":[
              {"id":"cli","deps":[{"pkg":"own","dep_kinds":[{"kind":null}]},{"pkg":"b","dep_kinds":[{"kind":"dev"}]}]},
              {"id":"own","deps":[{"pkg":"a","dep_kinds":[{"kind":"build"},{"kind":null}]}]},
              {"id":"a","deps":[{"pkg":"c","dep_kinds":[{"kind":"build"}]}]},
              {"id":"b","deps":[]},{"id":"c","deps":[]}]}}"#,
        )
        .unwrap();
        let names: Vec<_> =
            shipped(&metadata).unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["a"]);
    }

    #[test]
    fn a_choice_that_includes_mit_is_mit() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("LICENSE-MIT"), "mit\r\ntext\n").unwrap();
        fs::write(folder.path().join("LICENSE-APACHE"), "apache").unwrap();
        fs::write(folder.path().join("README.md"), "readme").unwrap();
        assert_eq!(texts_in(folder.path(), "MIT OR Apache-2.0").unwrap(), ["mit\ntext"]);
        assert_eq!(texts_in(folder.path(), "MIT AND Apache-2.0").unwrap().len(), 2);
    }
}
