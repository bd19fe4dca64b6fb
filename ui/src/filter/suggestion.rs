//! What could be meant by what is typed into a filter. Pure; leaves out which fields a page has, and drawing
//! (`components::filter_field`).

/// Suggestions shown at once.
const MOST: usize = 9;

/// One line under the filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Suggestion {
    /// Begin a condition: `model:`.
    Field { field: &'static str, hint: &'static str },
    /// A whole condition.
    Value { field: &'static str, value: String },
    /// Search for these words.
    Text(String),
}

/// What can be typed on a page.
pub struct Vocabulary<'a> {
    /// Words that can stand before the colon, and what each filters by.
    pub fields: &'a [(&'static str, &'static str)],
    /// Fields whose values are offered though only a part of one is typed.
    pub loose: &'a [&'static str],
    /// The values of a field.
    pub values: &'a dyn Fn(&str) -> Vec<String>,
}

/// Suggestions for the input, best first. Only its last word is looked at; all of it can be searched for.
pub fn suggest(input: &str, vocabulary: &Vocabulary<'_>) -> Vec<Suggestion> {
    let word =
        if input.ends_with(' ') { "" } else { input.split_whitespace().next_back().unwrap_or_default() };
    let as_field = |(field, hint): &(&'static str, &'static str)| Suggestion::Field { field, hint };
    let known = |name: &str| vocabulary.fields.iter().map(|(field, _)| *field).find(|field| *field == name);
    let mut found = Vec::new();
    match word.split_once(':').and_then(|(field, part)| Some((known(field)?, part))) {
        Some((field, part)) => found.extend(values(field, part, vocabulary)),
        None if word.is_empty() => found.extend(vocabulary.fields.iter().map(as_field)),
        None => {
            let begins = |(field, _): &&(&'static str, &'static str)| field.starts_with(&word.to_lowercase());
            found.extend(vocabulary.fields.iter().filter(begins).map(as_field));
            for field in vocabulary.loose {
                found.extend(values(field, word, vocabulary));
            }
        }
    }
    found.truncate(MOST);
    if !input.trim().is_empty() && !word.contains(':') {
        found.insert(0, Suggestion::Text(input.trim().to_owned()));
    }
    found
}

fn values(field: &'static str, part: &str, vocabulary: &Vocabulary<'_>) -> Vec<Suggestion> {
    let part = part.to_lowercase();
    let all = (vocabulary.values)(field).into_iter();
    all.filter(|value| value.to_lowercase().contains(&part))
        .map(|value| Suggestion::Value { field, value })
        .collect()
}

/// What stands before the last word.
pub fn without_last_word(text: &str) -> String {
    match text.rfind(' ') {
        Some(at) => text.get(..=at).unwrap_or_default().to_owned(),
        None => String::new(),
    }
}
