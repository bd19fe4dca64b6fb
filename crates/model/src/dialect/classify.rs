//! From a path to a dialect. Owns the well-known path endings. Leaves out hosts and routing (`proxy`).

use super::Dialect;

/// The dialect that `method` on `path` speaks. `path` is the upstream's, without its query; anything may stand
/// before the well-known ending (`/openai/v1/…`, `/api/v1/…`, `/openai/deployments/x/…`).
pub fn classify(provider: &str, method: &str, path: &str) -> Dialect {
    let path = path.trim_end_matches('/');
    let method = method.to_ascii_uppercase();
    if let Some(dialect) = models(&method, path) {
        return dialect;
    }
    if let Some(dialect) = bedrock(&method, path) {
        return dialect;
    }
    let asked = match method.as_str() {
        "POST" => verb(path).and_then(|verb| gemini(verb, path)).or_else(|| by_ending(provider, path)),
        WEBSOCKET => websocket(path),
        // A WebSocket begins with a GET, which says nothing yet.
        "GET" if websocket(path).is_some() => Some(Dialect::Unknown),
        _ => None,
    };
    asked
        .or_else(|| beside(provider, &method, path).then_some(Dialect::SideCall))
        .or_else(|| kept(path))
        .unwrap_or(Dialect::Unknown)
}

/// The method under which a turn of a WebSocket is recorded.
pub const WEBSOCKET: &str = "WS";

/// What is spoken on a WebSocket.
fn websocket(path: &str) -> Option<Dialect> {
    if path.ends_with("/responses") {
        Some(Dialect::OpenaiResponses)
    } else if path.ends_with("/realtime") {
        Some(Dialect::OpenaiRealtime)
    } else {
        path.ends_with(".BidiGenerateContent").then_some(Dialect::Gemini)
    }
}

/// What a request asks a model for. Longer endings stand before the shorter ones that they end with.
const ENDINGS: [(&str, Dialect); 37] = [
    ("/agents/completions", Dialect::OpenaiChat),
    ("/chat/completions", Dialect::OpenaiChat),
    ("/responses/input_tokens", Dialect::CountTokens),
    ("/responses", Dialect::OpenaiResponses),
    ("/responses/compact", Dialect::OpenaiResponses),
    ("/messages/count_tokens", Dialect::AnthropicCountTokens),
    ("/messages", Dialect::Anthropic),
    ("/embeddings", Dialect::OpenaiEmbeddings),
    ("/embedding", Dialect::OpenaiEmbeddings),
    ("/embed", Dialect::OpenaiEmbeddings),
    ("/completions", Dialect::OpenaiCompletions),
    ("/completion", Dialect::OpenaiCompletions),
    ("/infill", Dialect::OpenaiCompletions),
    ("/images/generations", Dialect::Images),
    ("/images/edits", Dialect::Images),
    ("/images/variations", Dialect::Images),
    ("/audio/speech", Dialect::Audio),
    ("/audio/transcriptions", Dialect::Audio),
    ("/audio/translations", Dialect::Audio),
    ("/rerank", Dialect::Rerank),
    ("/reranking", Dialect::Rerank),
    ("/moderations", Dialect::Moderation),
    ("/classifications", Dialect::Moderation),
    ("/ocr", Dialect::Ocr),
    ("/tokenize", Dialect::CountTokens),
    ("/detokenize", Dialect::CountTokens),
    ("/apply-template", Dialect::CountTokens),
    ("/api/chat", Dialect::OllamaChat),
    ("/api/generate", Dialect::OllamaGenerate),
    ("/v1/chat", Dialect::CohereChat),
    ("/v2/chat", Dialect::CohereChat),
    ("/api/show", Dialect::Models),
    ("/api/pull", Dialect::Models),
    ("/api/push", Dialect::Models),
    ("/api/create", Dialect::Models),
    ("/api/copy", Dialect::Models),
    ("/models/load", Dialect::Models),
];

fn by_ending(provider: &str, path: &str) -> Option<Dialect> {
    match provider {
        "cohere" if path.ends_with("/chat") => return Some(Dialect::CohereChat),
        "mistral" if path.contains("/conversations") => return Some(Dialect::MistralConversations),
        _ => {}
    }
    let found = ENDINGS.iter().find(|(ending, _)| path.ends_with(ending));
    found.map(|(_, dialect)| *dialect)
}

/// A call of a model on Bedrock: `/model/ID/VERB`.
fn bedrock(method: &str, path: &str) -> Option<Dialect> {
    let (model, verb) = bedrock_model(path).filter(|_| method == "POST")?;
    Some(match verb {
        "converse" | "converse-stream" => Dialect::Converse,
        "count-tokens" => Dialect::CountTokens,
        _ if model.contains("embed") => Dialect::OpenaiEmbeddings,
        _ if model.contains("anthropic.") => Dialect::Anthropic,
        _ => Dialect::BedrockInvoke,
    })
}

/// The id in such a path, and the verb.
fn bedrock_model(path: &str) -> Option<(&str, &str)> {
    let (id, verb) = path.split_once("/model/")?.1.rsplit_once('/')?;
    let verbs = ["invoke", "invoke-with-response-stream", "converse", "converse-stream", "count-tokens"];
    (!id.is_empty() && verbs.contains(&verb)).then_some((id, verb))
}

fn models(method: &str, path: &str) -> Option<Dialect> {
    let (before, last) = path.rsplit_once('/')?;
    let listed = match method {
        "GET" | "HEAD" => {
            let described = before.ends_with("/models") && !last.contains(':');
            let bedrocks = ["inference-profiles", "foundation-models"];
            let bedrocks = path.split('/').any(|segment| bedrocks.contains(&segment));
            bedrocks
                || last == "models"
                || described
                || path.ends_with("/api/tags")
                || path.ends_with("/api/ps")
        }
        "DELETE" => path.ends_with("/api/delete"),
        _ => false,
    };
    listed.then_some(Dialect::Models)
}

/// What providers keep for their clients.
fn kept(path: &str) -> Option<Dialect> {
    let has = |words: &[&str]| path.split('/').any(|segment| words.contains(&segment));
    if has(&["batches", "batch"]) || path.ends_with(":batchGenerateContent") {
        Some(Dialect::Batches)
    } else if has(&["files", "uploads"]) {
        Some(Dialect::Files)
    } else if has(&["responses", "conversations", "generation", "completions"]) {
        Some(Dialect::Stored)
    } else {
        None
    }
}

/// Segments of a path that stand for what tools tell their makers, or ask them beside their work.
const BESIDE: [&str; 19] = [
    "analytics",
    "analytics-events",
    "event_logging",
    "telemetry",
    "rgstr",
    "log_event",
    "envelope",
    "claude_code",
    "claude_cli",
    "claude_cli_feedback",
    "statsig",
    "featuregates",
    "mcp-registry",
    "mcp_servers",
    "wham",
    "oauth",
    "oauth2",
    "ces",
    "lora-adapters",
];

/// Last segments of what is only looked at: whether somebody is there, in which version, with what left to spend.
const LOOKED_AT: [&str; 15] = [
    "health",
    "healthz",
    "livez",
    "readyz",
    "ping",
    "version",
    "props",
    "slots",
    "metrics",
    "usage",
    "key",
    "credits",
    "me",
    "whoami",
    "lmstudio-greeting",
];

/// Whether this is no call of a model but what goes on beside such calls. Unknown paths are not: they are recorded as
/// what they are, unknown.
fn beside(provider: &str, method: &str, path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    let looked_at = matches!(method, "GET" | "HEAD") && (path.is_empty() || LOOKED_AT.contains(&last));
    let telemetry = ["/v1/traces", "/v1/logs", "/v1/metrics"].iter().any(|ending| path.ends_with(ending));
    looked_at
        || telemetry
        || path.split('/').any(|segment| BESIDE.contains(&segment))
        // Anthropic's models are under `/v1`; Code Assist's have verbs that are known by now.
        || provider == "anthropic" && path.starts_with("/api/")
        || path.starts_with("/v1internal:")
}

/// Google's custom verb: what follows the colon of the last segment, which some clients escape.
fn verb(path: &str) -> Option<&str> {
    let last = path.rsplit('/').next()?;
    split_verb(last).map(|(_, verb)| verb)
}

fn split_verb(segment: &str) -> Option<(&str, &str)> {
    segment.rsplit_once(':').or_else(|| segment.rsplit_once("%3A")).or_else(|| segment.rsplit_once("%3a"))
}

fn gemini(verb: &str, path: &str) -> Option<Dialect> {
    match verb {
        "generateContent" | "streamGenerateContent" => Some(Dialect::Gemini),
        "countTokens" | "computeTokens" => Some(Dialect::GeminiCountTokens),
        "embedContent" | "batchEmbedContents" => Some(Dialect::GeminiEmbeddings),
        // Vertex serves Anthropic's models under Google's verbs.
        "rawPredict" | "streamRawPredict" => Some(Dialect::Anthropic),
        "predict" if path.contains("imagen") => Some(Dialect::Images),
        "predict" if path.contains("embedding") => Some(Dialect::GeminiEmbeddings),
        _ => None,
    }
}

/// The model that a path names: `…/models/MODEL:verb`.
pub(super) fn model_in_path(path: &str) -> Option<String> {
    if let Some((id, _)) = bedrock_model(path) {
        let plain = ["%3A", "%3a"].iter().fold(id.to_owned(), |id, code| id.replace(code, ":"));
        let plain = ["%2F", "%2f"].iter().fold(plain, |id, code| id.replace(code, "/"));
        // The ARN of a model or of AWS's profile ends with a name that everybody knows; of one's own, with a number.
        let known = ["foundation-model/", "inference-profile/"].iter().any(|kind| plain.contains(kind));
        let own = plain.contains("application-inference-profile/");
        let tail = plain.rsplit('/').next().filter(|_| plain.starts_with("arn:") && known && !own);
        return Some(tail.map(str::to_owned).unwrap_or(plain));
    }
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
            ("/v1/agents/completions", Dialect::OpenaiChat),
            ("/infill", Dialect::OpenaiCompletions),
            ("/v1/images/generations", Dialect::Images),
            ("/v1/images/edits", Dialect::Images),
            ("/v1beta/models/imagen-4.0:predict", Dialect::Images),
            (
                "/v1/projects/p/locations/l/publishers/google/models/text-embedding-5:predict",
                Dialect::GeminiEmbeddings,
            ),
            ("/v1/audio/speech", Dialect::Audio),
            ("/v1/audio/transcriptions", Dialect::Audio),
            ("/openai/v1/audio/translations", Dialect::Audio),
            ("/v1/moderations", Dialect::Moderation),
            ("/v1/chat/moderations", Dialect::Moderation),
            ("/v2/rerank", Dialect::Rerank),
            ("/v1/reranking", Dialect::Rerank),
            ("/v1/ocr", Dialect::Ocr),
            ("/v1/responses/input_tokens", Dialect::CountTokens),
            ("/tokenize", Dialect::CountTokens),
            ("/v1/batches", Dialect::Batches),
            ("/v1/messages/batches", Dialect::Batches),
            ("/v1/batch/jobs", Dialect::Batches),
            ("/v1/batches/b_1/cancel", Dialect::Batches),
            ("/v1beta/models/g:batchGenerateContent", Dialect::Batches),
            ("/v1/files", Dialect::Files),
            ("/upload/v1beta/files", Dialect::Files),
            ("/v1/responses/resp_1/cancel", Dialect::Stored),
            ("/api/pull", Dialect::Models),
            ("/v1/unheard/of", Dialect::Unknown),
            ("", Dialect::Unknown),
        ] {
            assert_eq!(classify("openai", "POST", path), dialect, "{path}");
        }
        assert_eq!(classify("cohere", "post", "/chat"), Dialect::CohereChat);
    }

    const LIVE: &str = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";

    #[test]
    fn bedrock_is_known_by_its_paths() {
        for (method, path, dialect) in [
            ("POST", "/model/us.anthropic.c-v1:0/invoke", Dialect::Anthropic),
            ("POST", "/model/anthropic.c-v1%3A0/invoke-with-response-stream", Dialect::Anthropic),
            ("POST", "/model/meta.llama-v1:0/invoke", Dialect::BedrockInvoke),
            (
                "POST",
                "/model/arn:aws:bedrock:a-b-1:1:application-inference-profile%2Fx/invoke",
                Dialect::BedrockInvoke,
            ),
            ("POST", "/model/amazon.titan-embed-text-v2:0/invoke", Dialect::OpenaiEmbeddings),
            ("POST", "/bedrock/model/us.anthropic.c-v1:0/converse", Dialect::Converse),
            ("POST", "/model/m/converse-stream", Dialect::Converse),
            ("POST", "/model/m/count-tokens", Dialect::CountTokens),
            ("GET", "/inference-profiles", Dialect::Models),
            ("GET", "/inference-profiles/us.anthropic.c-v1%3A0", Dialect::Models),
            ("GET", "/foundation-models", Dialect::Models),
            ("POST", "/openai/v1/chat/completions", Dialect::OpenaiChat),
            ("POST", "/guardrail/g/version/1/apply", Dialect::Unknown),
        ] {
            assert_eq!(classify("bedrock", method, path), dialect, "{method} {path}");
        }
    }

    #[test]
    fn reading_is_not_asking() {
        assert_eq!(classify("openai", "GET", "/v1/models"), Dialect::Models);
        assert_eq!(classify("gemini", "GET", "/v1beta/models/gemini-2.5-pro"), Dialect::Models);
        assert_eq!(classify("ollama", "GET", "/api/tags"), Dialect::Models);
        assert_eq!(classify("ollama", "DELETE", "/api/delete"), Dialect::Models);
        for (path, dialect) in [
            ("/v1/responses/resp_1", Dialect::Stored),
            ("/v1/responses/resp_1/input_items", Dialect::Stored),
            ("/v1/chat/completions", Dialect::Stored),
            ("/api/v1/generation", Dialect::Stored),
            ("/v1/messages/batches/b_1/results", Dialect::Batches),
            ("/v1/files/file_1/content", Dialect::Files),
            // The beginning of a WebSocket.
            ("/v1/responses", Dialect::Unknown),
            ("/v1/realtime", Dialect::Unknown),
            (LIVE, Dialect::Unknown),
        ] {
            assert_eq!(classify("openai", "GET", path), dialect, "{path}");
        }
        for (path, dialect) in [
            ("/backend-api/codex/responses", Dialect::OpenaiResponses),
            ("/openai/v1/realtime", Dialect::OpenaiRealtime),
            (LIVE, Dialect::Gemini),
            ("/v1/chat", Dialect::Unknown),
        ] {
            assert_eq!(classify("openai", WEBSOCKET, path), dialect, "{path}");
        }
        assert_eq!(classify("openai", "DELETE", "/v1/models/ft"), Dialect::Unknown);
    }

    #[test]
    fn what_tools_do_beside_their_calls_is_known() {
        for (provider, method, path) in [
            ("anthropic", "HEAD", "/"),
            ("anthropic", "POST", "/api/event_logging/batch"),
            ("anthropic", "POST", "/api/event_logging/v2/batch"),
            ("anthropic", "GET", "/api/hello"),
            ("anthropic", "GET", "/api/oauth/profile"),
            ("anthropic", "GET", "/api/claude_cli/bootstrap"),
            ("anthropic", "GET", "/mcp-registry/v0/servers"),
            ("openai", "POST", "/v1/analytics/codex/turn-costs"),
            ("openai", "POST", "/v1/analytics/codex/events"),
            ("chatgpt", "POST", "/backend-api/codex/analytics-events/events"),
            ("chatgpt", "GET", "/backend-api/wham/usage"),
            ("openai", "POST", "/v1/rgstr"),
            ("openai", "POST", "/otlp/v1/traces"),
            ("gemini", "POST", "/v1internal:loadCodeAssist"),
            ("gemini", "POST", "/v1internal:recordCodeAssistMetrics"),
            ("openrouter", "GET", "/api/v1/key"),
            ("openrouter", "GET", "/api/v1/credits"),
            ("ollama", "GET", "/api/version"),
            ("ollama", "HEAD", "/"),
            ("llama", "GET", "/props"),
            ("llama", "GET", "/health"),
        ] {
            assert_eq!(classify(provider, method, path), Dialect::SideCall, "{method} {path}");
        }
        // Nobody's side call: what asks a model, and what nobody knows.
        assert_eq!(classify("anthropic", "POST", "/v1/messages"), Dialect::Anthropic);
        assert_eq!(classify("gemini", "POST", "/v1internal:generateContent"), Dialect::Gemini);
        assert_eq!(classify("openai", "GET", "/v1/organization/costs"), Dialect::Unknown);
        assert_eq!(classify("openai", "POST", "/"), Dialect::Unknown);
    }

    #[test]
    fn a_model_in_the_path_is_found() {
        assert_eq!(
            model_in_path("/v1beta/models/gemini-2.5-pro:countTokens").as_deref(),
            Some("gemini-2.5-pro")
        );
        assert_eq!(model_in_path("/p/models/claude-x@2025:rawPredict").as_deref(), Some("claude-x@2025"));
        assert_eq!(model_in_path("/v1/chat/completions"), None);
        for (path, model) in [
            ("/model/us.anthropic.c-v1:0/invoke", "us.anthropic.c-v1:0"),
            ("/bedrock/model/us.anthropic.c-v1%3A0/converse-stream", "us.anthropic.c-v1:0"),
            (
                "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Feu.amazon.n-v1%3A0/converse",
                "eu.amazon.n-v1:0",
            ),
            ("/model/arn:aws:bedrock:us-east-1::foundation-model%2Fmeta.l/count-tokens", "meta.l"),
            (
                "/model/arn:aws:bedrock:us-east-1:1:application-inference-profile%2Fa1/invoke",
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/a1",
            ),
        ] {
            assert_eq!(model_in_path(path).as_deref(), Some(model), "{path}");
        }
    }
}
