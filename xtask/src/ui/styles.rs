//! What keeps the pages' stylesheets apart: they are all loaded at once, so a class that one page styles by itself
//! looks the same on every other. Leaves out what they say.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::workspace::Workspace;

/// The sheets that every page shares; classes of theirs may be named anywhere.
const SHARED: [&str; 3] = ["tokens.css", "app.css", "shell.css"];
/// Classes of a page that others build on: they mean the same thing there.
const BUILT_ON: [&str; 20] = [
    "about", "box", "cnt", "cpb", "det", "dh", "fbar", "hb", "hx", "list", "note", "rows", "sec", "sh",
    "split", "tabpanel", "thead", "tip-area", "ty", "ylab",
];

/// The selectors of a sheet, one by one.
fn selectors(sheet: &str) -> Vec<String> {
    let mut without_comments = String::new();
    for (index, part) in sheet.split("/*").enumerate() {
        without_comments.push_str(if index == 0 {
            part
        } else {
            part.split_once("*/").map_or("", |(_, rest)| rest)
        });
    }
    let heads =
        without_comments.split('{').filter_map(|before| before.rsplit(['}', ';']).next().map(str::to_owned));
    let heads: Vec<String> = heads.filter(|head| !head.trim_start().starts_with('@')).collect();
    heads.iter().flat_map(|head| head.split(',')).map(|one| one.trim().to_owned()).collect()
}

/// The classes that a selector names.
fn classes(selector: &str) -> impl Iterator<Item = &str> {
    let named = selector.split('.').skip(1);
    named.filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric() && letter != '-').next())
}

/// The class that a selector styles wherever it stands: `.name` and nothing else.
fn alone(selector: &str) -> Option<&str> {
    let name = selector.strip_prefix('.')?;
    name.chars().all(|letter| letter.is_alphanumeric() || letter == '-').then_some(name)
}

/// What one page styles by itself and another sheet names too.
fn collisions(sheets: &BTreeMap<String, String>) -> Vec<String> {
    let mut named: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (file, sheet) in sheets {
        for selector in selectors(sheet) {
            for class in classes(&selector) {
                named.entry(class.to_owned()).or_default().insert(file);
            }
        }
    }
    let mut found = Vec::new();
    for (file, sheet) in sheets.iter().filter(|(file, _)| !SHARED.contains(&file.as_str())) {
        for selector in selectors(sheet) {
            let Some(class) = alone(&selector).filter(|class| !BUILT_ON.contains(class)) else { continue };
            let others = named.get(class).into_iter().flatten().filter(|other| *other != file);
            found.extend(others.map(|other| format!("{file} styles .{class} by itself, {other} names it")));
        }
    }
    found
}

fn sheets(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(file, sheet)| ((*file).to_owned(), (*sheet).to_owned())).collect()
}

#[test]
fn a_class_of_one_page_that_another_names_is_found() {
    let leaking = sheets(&[
        ("sessions.css", "/* .a { } */ .x, .key { width: 1px; }"),
        ("app.css", ".code .key { top: 0; }"),
    ]);
    assert_eq!(collisions(&leaking), ["sessions.css styles .key by itself, app.css names it"]);
    let in_media =
        sheets(&[("a.css", "@media (width > 1px) { .y { top: 0; } }"), ("b.css", ".y:hover { top: 0; }")]);
    assert_eq!(collisions(&in_media), ["a.css styles .y by itself, b.css names it"]);
    let scoped =
        sheets(&[("sessions.css", ".turns .key { width: 1px; }"), ("app.css", ".code .key { top: 0; }")]);
    assert!(collisions(&scoped).is_empty());
}

#[test]
fn no_page_styles_what_another_page_names() {
    let assets = Workspace::find().unwrap().root.join("ui/assets");
    let mut sheets = BTreeMap::new();
    for entry in fs::read_dir(assets).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "css") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            sheets.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    assert!(sheets.contains_key("sessions.css"), "{:?}", sheets.keys());
    let found = collisions(&sheets);
    assert!(found.is_empty(), "scope them by their page, or move them to app.css:\n{}", found.join("\n"));
}
