//! Which recorded calls a command means, in the words of `/api/traces`. Here a word that is not known is a mistake.

use api::{ApiError, CallFilter, CallId};

use super::{CHOOSING, calls};

/// Which recorded calls a command means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// Those that match.
    pub filter: CallFilter,
    /// Only this one.
    pub call: Option<CallId>,
}

/// The words of `llmflow delete` for parameters of `/api/traces`.
const WORDS: [(&str, &str); 2] = [("session", "session_id"), ("trace", "trace_id")];

/// Reads which calls a command means: the parameters of `/api/traces`, or `all`.
pub fn chosen(text: &str) -> Result<Chosen, ApiError> {
    let text = text.trim().trim_start_matches('?');
    if text == "all" {
        return Ok(Chosen::default());
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    let (mut call, mut any) = (None, false);
    for (name, value) in form_urlencoded::parse(text.as_bytes()).into_owned() {
        let word =
            WORDS.iter().find(|(word, _)| *word == name).map_or(name.as_str(), |(_, parameter)| parameter);
        if !CHOOSING.contains(&word) && word != "call" {
            let known = CHOOSING.join(", ");
            return Err(ApiError::parameter(
                &name,
                format!("{name:?} chooses no calls; these do: {known}, call, or all."),
            ));
        }
        if value.is_empty() {
            return Err(ApiError::parameter(&name, format!("{name} has no value.")));
        }
        any = true;
        if word == "call" {
            let id = value.parse();
            call = Some(id.map_err(|_| ApiError::parameter(&name, "call must be the id of a call."))?);
        } else {
            query.append_pair(word, &value);
        }
    }
    if !any {
        return Err(ApiError::parameter(
            "from",
            "Say which calls: for example model=gpt-4o&tag=demo, or all.",
        ));
    }
    Ok(Chosen { filter: calls(&query.finish())?, call })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_chooses_in_the_words_of_lists() {
        let found = chosen("session=s+1&model=m&replays=true").unwrap();
        let filter = CallFilter {
            session_id: Some("s 1".into()),
            model: Some("m".into()),
            replays: true,
            ..CallFilter::default()
        };
        assert_eq!(found, Chosen { filter, call: None });
        let id = "0195e0e0-0000-7000-8000-000000000000";
        assert_eq!(chosen(&format!("call={id}")).unwrap().call, id.parse().ok());
        assert_eq!(chosen("all").unwrap(), Chosen::default());
        for (wrong, name) in [
            ("", "from"),
            ("modle=x", "modle"),
            ("model=", "model"),
            ("call=1", "call"),
            ("limit=5", "limit"),
        ] {
            assert_eq!(chosen(wrong).unwrap_err().parameter.as_deref(), Some(name), "{wrong}");
        }
    }
}
