//! From a path to a dialect. Owns the well-known path endings. Leaves out hosts and routing (`proxy`).

use super::Dialect;

/// The dialect that `method` on `path` speaks. `path` is the upstream's, without its query; anything may stand
/// before the well-known ending (`/openai/v1/…`, `/api/v1/…`, `/openai/deployments/x/…`).
pub fn classify(provider: &str, method: &str, path: &str) -> Dialect {
    let path = path.trim_end_matches('/');
    if let Some(dialect) = models(method, path) {
        return dialect;
    }
    if !method.eq_ignore_ascii_case("POST") {
        return Dialect::Unknown;
    }
    verb(path).and_then(gemini).unwrap_or_else(|| by_ending(provider, path))
}

fn by_ending(provider: &str, path: &str) -> Dialect {
    let ends = |ending: &str| path.ends_with(ending);
    let ends_with_any = |endings: &[&str]| endings.iter().any(|ending| ends(ending));
    if ends("/chat/completions") {
        Dialect::OpenaiChat
    } else if ends_with_any(&["/responses", "/responses/compact"]) {
        Dialect::OpenaiResponses
    } else if ends("/messages/count_tokens") {
        Dialect::AnthropicCountTokens
    } else if ends("/messages") {
        Dialect::Anthropic
    } else if ends_with_any(&["/embeddings", "/embed"]) {
        Dialect::OpenaiEmbeddings
    } else if ends_with_any(&["/completions", "/completion"]) {
        Dialect::OpenaiCompletions
    } else if ends("/api/generate") {
        Dialect::OllamaGenerate
    } else if provider == "cohere" && ends("/chat") || ends_with_any(&["/v1/chat", "/v2/chat"]) {
        Dialect::CohereChat
    } else if ends("/api/chat") {
        Dialect::OllamaChat
    } else {
        Dialect::Unknown
    }
}

fn models(method: &str, path: &str) -> Option<Dialect> {
    let (before, last) = path.rsplit_once('/')?;
    let listed = match method.to_ascii_uppercase().as_str() {
        "GET" | "HEAD" => {
            let described = before.ends_with("/models") && !last.contains(':');
            last == "models" || described || path.ends_with("/api/tags") || path.ends_with("/api/ps")
        }
        "POST" => path.ends_with("/api/show"),
        _ => false,
    };
    listed.then_some(Dialect::Models)
}

/// Google's custom verb: what follows the colon of the last segment, which some clients escape.
fn verb(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    split_verb(last).map(|(_, verb)| verb)
}

fn split_verb(segment: &str) -> Option<(&str, &str)> {
    segment.rsplit_once(':').or_else(|| segment.rsplit_once("%3A")).or_else(|| segment.rsplit_once("%3a"))
}

fn gemini(verb: &str) -> Option<Dialect> {
    match verb {
        "generateContent" | "streamGenerateContent" => Some(Dialect::Gemini),
        "countTokens" => Some(Dialect::GeminiCountTokens),
        "embedContent" | "batchEmbedContents" => Some(Dialect::GeminiEmbeddings),
        // Vertex serves Anthropic's models under Google's verbs.
        "rawPredict" | "streamRawPredict" => Some(Dialect::Anthropic),
        _ => None,
    }
}

/// The model that a path names: `…/models/MODEL:verb`.
pub(super) fn model_in_path(path: &str) -> Option<String> {
    let (before, last) = path.trim_end_matches('/').rsplit_once('/')?;
    if !matches!(before.rsplit('/').next(), Some("models" | "tunedModels")) {
        return None;
    }
    let model = split_verb(last).map_or(last, |(model, _)| model);
    (!model.is_empty()).then(|| model.replace("%40", "@"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_prefix_is_accepted() {
        for (path, dialect) in [
            ("/v1/chat/completions", Dialect::OpenaiChat),
            ("/api/v1/chat/completions", Dialect::OpenaiChat),
            ("/openai/deployments/x/chat/completions", Dialect::OpenaiChat),
            ("/v1beta/openai/chat/completions", Dialect::OpenaiChat),
            ("/chat/completions/", Dialect::OpenaiChat),
            ("/backend-api/codex/responses", Dialect::OpenaiResponses),
            ("/v1/responses/compact", Dialect::OpenaiResponses),
            ("/v1/messages", Dialect::Anthropic),
            ("/anthropic/v1/messages/count_tokens", Dialect::AnthropicCountTokens),
            ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", Dialect::Gemini),
            ("/v1beta/models/gemini-2.5-pro%3AgenerateContent", Dialect::Gemini),
            ("/v1internal:streamGenerateContent", Dialect::Gemini),
            ("/v1/projects/p/locations/l/publishers/google/models/g:countTokens", Dialect::GeminiCountTokens),
            ("/v1/projects/p/locations/l/publishers/anthropic/models/c:streamRawPredict", Dialect::Anthropic),
            ("/v1beta/models/e:batchEmbedContents", Dialect::GeminiEmbeddings),
            ("/v1/embeddings", Dialect::OpenaiEmbeddings),
            ("/api/embed", Dialect::OpenaiEmbeddings),
            ("/v1/completions", Dialect::OpenaiCompletions),
            ("/v1/fim/completions", Dialect::OpenaiCompletions),
            ("/completion", Dialect::OpenaiCompletions),
            ("/api/chat", Dialect::OllamaChat),
            ("/api/generate", Dialect::OllamaGenerate),
            ("/v2/chat", Dialect::CohereChat),
            ("/api/show", Dialect::Models),
            ("/v1/images/generations", Dialect::Unknown),
            ("", Dialect::Unknown),
        ] {
            assert_eq!(classify("openai", "POST", path), dialect, "{path}");
        }
        assert_eq!(classify("cohere", "post", "/chat"), Dialect::CohereChat);
    }

    #[test]
    fn reading_is_not_asking() {
        assert_eq!(classify("openai", "GET", "/v1/models"), Dialect::Models);
        assert_eq!(classify("gemini", "GET", "/v1beta/models/gemini-2.5-pro"), Dialect::Models);
        assert_eq!(classify("ollama", "GET", "/api/tags"), Dialect::Models);
        assert_eq!(classify("openai", "GET", "/v1/responses/resp_1"), Dialect::Unknown);
        assert_eq!(classify("openai", "DELETE", "/v1/models/ft"), Dialect::Unknown);
    }

    #[test]
    fn a_model_in_the_path_is_found() {
        assert_eq!(
            model_in_path("/v1beta/models/gemini-2.5-pro:countTokens").as_deref(),
            Some("gemini-2.5-pro")
        );
        assert_eq!(model_in_path("/p/models/claude-x@2025:rawPredict").as_deref(), Some("claude-x@2025"));
        assert_eq!(model_in_path("/v1/chat/completions"), None);
    }
}
