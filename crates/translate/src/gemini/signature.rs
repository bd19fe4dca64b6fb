//! Where Gemini's thought signatures travel while a conversation is in a client's hands: in the id of the tool call that
//! they belong to. Gemini refuses a tool's result whose call comes back without its signature; every client sends ids
//! back unchanged, but many forget fields that OpenAI does not define. Google's own field for it is read as well
//! (`chat::Call::proof`).

/// Stands between the id and the signature. Together with base64 of the URL's kind an id stays within `[A-Za-z0-9_-]`,
/// which is what clients and providers take as one.
const MARK: &str = "__gemini__";
/// Before a signature in OpenRouter's `reasoning_details`: signatures of other providers are not Gemini's to check.
const OWN: &str = "gemini:";

/// The id that a client gets.
pub(super) fn join(id: &str, signature: Option<&str>) -> String {
    match signature {
        None => id.to_owned(),
        Some(signature) => format!("{id}{MARK}{}", to_url(signature)),
    }
}

/// What a client's id is made of.
pub(super) fn split(id: &str) -> (&str, Option<String>) {
    match id.split_once(MARK) {
        Some((id, signature)) if !signature.is_empty() => (id, Some(from_url(signature))),
        _ => (id, None),
    }
}

/// The signature of a text, among those of other providers.
pub(super) fn own(signature: &str) -> String {
    format!("{OWN}{signature}")
}

/// A call's id without what is only Gemini's, for a conversation that goes on elsewhere.
pub(crate) fn bare_id(id: &str) -> &str {
    split(id).0
}

/// Whether a signature of a text is Gemini's.
pub(crate) fn signed(signature: &str) -> bool {
    of_own(signature).is_some()
}

/// The other way round; `None` for another provider's.
pub(super) fn of_own(signature: &str) -> Option<&str> {
    signature.strip_prefix(OWN)
}

fn to_url(base64: &str) -> String {
    let url = |character| match character {
        '+' => '-',
        '/' => '_',
        other => other,
    };
    base64.trim_end_matches('=').chars().map(url).collect()
}

fn from_url(url: &str) -> String {
    let standard = |character| match character {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let padding = ["", "", "==", "="].get(url.len() % 4).copied().unwrap_or_default();
    url.chars().map(standard).collect::<String>() + padding
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_a_signature_there_and_back() {
        for signature in ["Ag==", "Agk=", "AgkB", "a+/b", "EqoBCqcBAXLI2nyXcX5wIbFr+0/xzA=="] {
            let id = join("call_1", Some(signature));
            assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'), "{id}");
            assert_eq!(split(&id), ("call_1", Some(signature.to_owned())), "nothing of it is lost");
        }
    }

    #[test]
    fn an_id_without_one_is_left_as_it_is() {
        assert_eq!(join("call_1", None), "call_1");
        assert_eq!(split("toolu_01__x"), ("toolu_01__x", None));
    }
}
