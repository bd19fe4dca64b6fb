//! A recorded call as it is sent again: which ones may be, their headers without what belonged to the first time, and
//! another body, model or provider. Pure. Leaves out sending it.

use api::{ApiError, BodySide, CallDetail, CallState, ErrorKind, Operation, ReplayEdit, ReportSource};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use model::dialect::{Dialect, WEBSOCKET, classify};
use model::resend::with_model;
use proxy::route::{Route, route};
use proxy::{Provider, Providers};
use serde::de::IgnoredAny;

/// What stands in a recorded text where a credential was.
const MARK: &str = "[key:";
const CHOSEN_PROVIDER: &str = "x-llmflow-provider";
const DEPLOYMENTS: [&str; 2] = ["x-azure-deployment", "x-llmflow-azure-deployment"];
const USER_AGENT: &str = concat!("llmflow/", env!("CARGO_PKG_VERSION"), " (replay)");

/// Headers of the connection, of the client, of the trace, and of the credential: none of them is about what is asked.
const LEFT_OUT: &[&str] = &[
    "accept-encoding",
    "baggage",
    "cdn-loop",
    "chatgpt-account-id",
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "keep-alive",
    "openai-organization",
    "openai-project",
    "origin",
    "range",
    "referer",
    "te",
    "trailer",
    "traceparent",
    "tracestate",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-client-request-id",
    "x-goog-user-project",
    "x-idempotency-key",
    "x-parent-id",
    "x-real-ip",
    "x-request-id",
    "x-trace-id",
];
/// So are those that begin so.
const LEFT_OUT_FAMILIES: &[&str] = &["proxy-", "sec-", "x-forwarded-", "x-stainless-", "x-amz-", "if-"];
/// What is said to every provider alike.
const FOR_EVERYBODY: &[&str] = &["accept", "content-type", "anthropic-version", "anthropic-beta"];

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) path_and_query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) dialect: Dialect,
}

/// The side on which the client's own request stands.
pub(super) fn side(call: &CallDetail) -> BodySide {
    match call.translated {
        Some(_) => BodySide::ClientRequest,
        None => BodySide::Request,
    }
}

/// Whether this call is one that can be sent again.
pub(super) fn check(call: &CallDetail) -> Result<(), ApiError> {
    let refused = |why: &str| Err(ApiError::new(ErrorKind::BadRequest, why));
    let summary = &call.summary;
    if !summary.sources.contains(&ReportSource::Proxy) {
        return refused(
            "Only reports tell of this call. It did not go through the proxy, so there is nothing to send again.",
        );
    }
    if summary.state == CallState::Open {
        return refused("This call is still under way. It can be sent again when it has ended.");
    }
    if summary.method == WEBSOCKET {
        return refused("This is a turn of a WebSocket, which cannot be sent again on its own.");
    }
    let what = match summary.operation {
        Operation::Chat | Operation::TextCompletion | Operation::Embeddings if summary.method == "POST" => {
            return Ok(());
        }
        Operation::SideCall => "what a tool does beside its calls of models",
        Operation::Batches => "a batch",
        Operation::Files => "a matter of files",
        Operation::Stored => "about what the provider keeps",
        Operation::Models => "about the list of models",
        Operation::CountTokens => "a count of tokens",
        Operation::Images => "about images",
        Operation::Audio => "about audio",
        Operation::Rerank => "about the order of documents",
        Operation::Moderation => "a moderation",
        Operation::Ocr => "about text in documents",
        _ => "none of those that LLMFlow knows",
    };
    refused(&format!(
        "Only calls that ask a model to write, and embeddings, are sent again. This call ({} {}) is {what}.",
        summary.method, summary.path
    ))
}

/// What is sent of `call`, whose own body is `recorded`.
pub(super) fn asked(
    call: &CallDetail,
    recorded: Vec<u8>,
    edit: &ReplayEdit,
    providers: &Providers,
) -> Result<Asked, ApiError> {
    let summary = &call.summary;
    let mut body = match &edit.body {
        Some(body) if serde_json::from_str::<IgnoredAny>(body).is_err() => {
            return Err(ApiError::parameter("body", "body is not JSON, and calls of models are."));
        }
        Some(body) if !body.trim_start().starts_with('{') => {
            return Err(ApiError::parameter("body", "body is no JSON object, and calls of models are."));
        }
        Some(body) => body.clone().into_bytes(),
        None => whole(call, recorded)?,
    };
    let original = providers.find(&summary.provider);
    let speaks = original.map_or(summary.provider.as_str(), |provider| provider.speaks.as_str());
    let dialect = match call.translated {
        // Its client spoke OpenAI's.
        Some(_) => classify("openai", "POST", &summary.path),
        None => classify(speaks, "POST", &summary.path),
    };
    let elsewhere = match edit.provider.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(providers.find(name).ok_or_else(|| {
            let known = providers.names(|_| true);
            ApiError::parameter("provider", format!("provider is {name:?}, which is not one of {known}."))
        })?),
    };
    let elsewhere = elsewhere.filter(|other| !other.name.eq_ignore_ascii_case(&summary.provider));
    if elsewhere.is_none() && original.is_none() {
        return Err(ApiError::new(
            ErrorKind::BadRequest,
            format!(
                "The provider {:?} is not in the settings any more. Put it back, or name another provider.",
                summary.provider
            ),
        ));
    }
    let mut headers = headers(call, elsewhere.is_some());
    let mut path_and_query = match elsewhere {
        Some(provider) => at(provider, dialect, summary.path.as_str(), providers)?,
        None => own_path(call, dialect),
    };
    if let Some(model) = edit.model.as_deref().map(str::trim).filter(|model| !model.is_empty()) {
        let deployment = DEPLOYMENTS.into_iter().find(|name| headers.contains_key(*name));
        match with_model(&path_and_query, &body, model) {
            Some(changed) => (path_and_query, body) = changed,
            None if deployment.is_some() => {}
            None => {
                return Err(ApiError::parameter(
                    "model",
                    "This call names no model that could be another one.",
                ));
            }
        }
        if let Some(name) = deployment {
            let value = HeaderValue::from_str(model);
            let value = value.map_err(|_| ApiError::parameter("model", "model cannot stand in a header."))?;
            headers.insert(name, value);
        }
    }
    Ok(Asked { path_and_query, headers, body, dialect })
}

/// The recorded body, if all of it was kept as it was.
fn whole(call: &CallDetail, recorded: Vec<u8>) -> Result<Vec<u8>, ApiError> {
    let info = call.translated.as_ref().map_or(&call.request_body, |translated| &translated.request_body);
    let why = if info.cut {
        format!(
            "only its first {} of {} bytes are kept (max_body_mb in the settings)",
            info.stored_bytes, info.wire_bytes
        )
    } else if info.inexact {
        "a credential stood in it and was cut out".to_owned()
    } else if recorded.is_empty() {
        "it is not kept".to_owned()
    } else if serde_json::from_slice::<IgnoredAny>(&recorded).is_err() {
        "it is not JSON".to_owned()
    } else {
        return Ok(recorded);
    };
    Err(ApiError::new(
        ErrorKind::BadRequest,
        format!("This call's body cannot be sent again as it was: {why}. Give an edited body."),
    ))
}

/// The headers that are about what is asked, without any credential.
fn headers(call: &CallDetail, elsewhere: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for header in &call.request_headers {
        let name = header.name.to_ascii_lowercase();
        let is_labels = name.starts_with("x-llmflow-")
            && name != CHOSEN_PROVIDER
            && !DEPLOYMENTS.contains(&name.as_str());
        let left_out = LEFT_OUT.contains(&name.as_str())
            || LEFT_OUT_FAMILIES.iter().any(|family| name.starts_with(family))
            || elsewhere && !is_labels && !FOR_EVERYBODY.contains(&name.as_str())
            || header.value.contains(MARK)
            // Bytes that were no text are not known any more.
            || header.value.contains(char::REPLACEMENT_CHARACTER);
        let value = match name.as_str() {
            "anthropic-beta" => without_oauth(&header.value),
            _ => Some(header.value.clone()),
        };
        let parsed =
            (HeaderName::try_from(&name).ok(), value.and_then(|value| HeaderValue::try_from(value).ok()));
        if let (false, (Some(name), Some(value))) = (left_out, parsed) {
            headers.append(name, value);
        }
    }
    headers.entry("content-type").or_insert(HeaderValue::from_static("application/json"));
    headers.insert("user-agent", HeaderValue::from_static(USER_AGENT));
    headers
}

/// Anthropic's betas without the one that goes with a subscription's token, which is not kept.
fn without_oauth(betas: &str) -> Option<String> {
    let kept: Vec<&str> =
        betas.split(',').map(str::trim).filter(|beta| !beta.starts_with("oauth-")).collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// The path as the client asked for it, without a key in its query.
fn own_path(call: &CallDetail, dialect: Dialect) -> String {
    let summary = &call.summary;
    // ChatGPT's own address takes its users' tokens alone; a key is for the API's.
    if summary.provider == "openai" && dialect == Dialect::OpenaiResponses && !summary.path.contains("/v1/") {
        return "/v1/responses".to_owned();
    }
    let query = call.query.as_deref().unwrap_or_default();
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(MARK)).collect();
    let mark = if kept.is_empty() { "" } else { "?" };
    format!("{}{mark}{}", summary.path, kept.join("&"))
}

/// Where another provider takes what the call asks.
fn at(provider: &Provider, dialect: Dialect, path: &str, providers: &Providers) -> Result<String, ApiError> {
    if let Some(path) = path_at(provider, dialect, path, providers) {
        return Ok(path);
    }
    let takers = providers.names(|other| path_at(other, dialect, path, providers).is_some());
    let what = words(dialect);
    let instead = match takers.as_str() {
        "" => "No other provider does.".to_owned(),
        takers => format!("These do: {takers}."),
    };
    Err(ApiError::parameter(
        "provider",
        format!("{} does not take {what} through LLMFlow. {instead}", provider.display_name),
    ))
}

fn path_at(provider: &Provider, dialect: Dialect, path: &str, providers: &Providers) -> Option<String> {
    let speaks = provider.speaks.as_str();
    let openai = !matches!(speaks, "anthropic" | "gemini" | "cohere" | "bedrock" | "helicone");
    let anthropics = matches!(speaks, "anthropic" | "openrouter" | "ollama" | "lmstudio" | "vllm");
    let translated = provider.translated.is_some();
    let rest = match dialect {
        Dialect::OpenaiChat if openai || translated => "/v1/chat/completions".to_owned(),
        Dialect::OpenaiResponses if openai || translated => "/v1/responses".to_owned(),
        Dialect::OpenaiCompletions if openai && path.ends_with("/completions") => {
            "/v1/completions".to_owned()
        }
        Dialect::OpenaiEmbeddings if openai && path.ends_with("/embeddings") => "/v1/embeddings".to_owned(),
        Dialect::Anthropic if speaks == "deepseek" => "/anthropic/v1/messages".to_owned(),
        Dialect::Anthropic if anthropics && path.ends_with("/messages") => "/v1/messages".to_owned(),
        Dialect::Gemini | Dialect::GeminiEmbeddings if speaks == "gemini" => {
            path.get(path.find("/v1beta/models/").or_else(|| path.find("/v1/models/"))?..)?.to_owned()
        }
        Dialect::OllamaChat if speaks == "ollama" => "/api/chat".to_owned(),
        Dialect::OllamaGenerate if speaks == "ollama" => "/api/generate".to_owned(),
        Dialect::CohereChat if speaks == "cohere" => "/v2/chat".to_owned(),
        _ => return None,
    };
    let asked = format!("/{}{rest}", provider.name);
    match route(providers, "POST", &asked, None) {
        Route::Upstream(to) if to.provider.name == provider.name => Some(asked),
        _ => None,
    }
}

/// A dialect for a sentence.
const fn words(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenaiChat => "OpenAI's chat completions",
        Dialect::OpenaiResponses => "OpenAI's responses",
        Dialect::OpenaiCompletions => "text completions",
        Dialect::OpenaiEmbeddings | Dialect::GeminiEmbeddings => "these embeddings",
        Dialect::Anthropic => "Anthropic's messages",
        Dialect::Gemini => "Gemini's generateContent",
        Dialect::OllamaChat | Dialect::OllamaGenerate => "Ollama's own calls",
        Dialect::CohereChat => "Cohere's chat",
        Dialect::Converse | Dialect::BedrockInvoke => "Bedrock's calls",
        _ => "this call",
    }
}
