//! The tags and the project that a client's headers give a call. A project is a tag that begins with `project:`.

/// How the tag of a project begins.
pub const PROJECT: &str = "project:";
/// A call has at most so many tags.
const MOST_TAGS: usize = 64;
/// Bytes of one tag; what is longer is cut there.
const LONGEST_TAG: usize = 256;

/// The tags in `headers` (names in lower case, and values), each once.
pub fn tags<'a, V: AsRef<str>>(headers: impl Iterator<Item = (&'a str, V)>) -> Vec<String> {
    let mut tags: Vec<String> = Vec::new();
    for (name, value) in headers {
        let value = value.as_ref();
        let prefix = match name {
            "x-llmflow-tag" | "x-llmflow-tags" => "",
            "x-llmflow-project" => PROJECT,
            _ => continue,
        };
        // A project's name may have a comma in it.
        let (list, whole) = if prefix.is_empty() { (value, None) } else { ("", Some(value)) };
        let given = list.split(',').chain(whole).map(str::trim).filter(|tag| !tag.is_empty());
        for given in given {
            let tag = format!("{prefix}{given}");
            let tag = tag.get(..tag.floor_char_boundary(LONGEST_TAG)).unwrap_or_default().trim_end();
            if tags.len() == MOST_TAGS {
                return tags;
            }
            if !tags.iter().any(|known| known == tag) {
                tags.push(tag.to_owned());
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_bounded() {
        let many = (0..100).map(|number| number.to_string()).collect::<Vec<_>>().join(",");
        let of = |name, value: &str| tags([(name, "first, first,"), ("x-llmflow-tags", value)].into_iter());
        assert_eq!(of("x-llmflow-tag", &many).len(), 64);
        let long = format!("a{}", "ä".repeat(200));
        assert_eq!(of("x-llmflow-tag", &long), ["first".to_owned(), format!("a{}", "ä".repeat(127))]);
    }

    #[test]
    fn a_project_is_a_tag_with_a_name_of_its_own() {
        let headers = [("x-llmflow-tag", "a"), ("x-llmflow-project", " web, shop "), ("x-other", "b")];
        assert_eq!(tags(headers.into_iter()), ["a", "project:web, shop"]);
        assert_eq!(tags([("x-llmflow-project", " ")].into_iter()), [""; 0]);
    }
}
