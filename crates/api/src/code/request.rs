//! What of a recorded call a program needs: the address, the kind of client, the headers that matter, the key's variable.

use serde_json::{Map, Value};

use crate::{CallDetail, Header};

/// How a fingerprint begins that stands in a credential's place.
const MARK: &str = "[key:";
/// Headers that the connection, the client or its SDK sets by itself.
const LEFT_OUT: [&str; 17] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "referer",
    "te",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
const LEFT_OUT_FAMILIES: [&str; 5] = ["sec-", "x-stainless-", "x-forwarded-", "proxy-", "x-amz-"];
/// Where these put their paths when a client asks for them in OpenAI's short form.
const PREFIXES: [(&str, &str); 3] =
    [("groq", "/openai"), ("openrouter", "/api"), ("fireworks", "/inference")];

/// Which client makes the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// OpenAI's SDK: this method of its client, and the member beside `model` that it takes by name.
    Openai(&'static str, &'static str),
    /// Anthropic's SDK.
    Anthropic,
    /// Google's SDK.
    Gemini,
    /// Any HTTP client.
    Http,
}

/// A call as programs see it.
pub(super) struct Asked<'a> {
    pub(super) kind: Kind,
    pub(super) method: &'a str,
    /// Scheme, host and path.
    pub(super) url: String,
    /// The query, without a key.
    pub(super) query: String,
    /// Those worth saying again, and where a credential stood: what is before it, and behind.
    pub(super) headers: Vec<(String, Text)>,
    /// The environment variable that holds the key.
    pub(super) variable: String,
    pub(super) body: Body<'a>,
    pub(super) streams: bool,
}

/// What is sent.
pub(super) enum Body<'a> {
    None,
    /// An object: what calls of models are.
    Json(Map<String, Value>),
    Text(&'a str),
}

/// A header's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    Plain(String),
    /// The key stands between these.
    Key(String, String),
}

impl<'a> Asked<'a> {
    pub(super) fn of(call: &'a CallDetail, body: Option<&'a str>) -> Self {
        let (base, query) = (url(call), query(call));
        let body = match body.filter(|body| !body.is_empty()) {
            None => Body::None,
            Some(text) => match serde_json::from_str(text) {
                Ok(Value::Object(members)) => Body::Json(members),
                _ => Body::Text(text),
            },
        };
        let streams = match &body {
            Body::Json(members) => members.get("stream").and_then(Value::as_bool).unwrap_or_default(),
            Body::None | Body::Text(_) => false,
        };
        let kind = kind(call, &base, &query, &body);
        let streams = streams || kind == Kind::Gemini && base.ends_with(":streamGenerateContent");
        let mut headers = headers(call);
        let keyed = |(_, value): &(String, Text)| matches!(value, Text::Key(..));
        if kind == Kind::Http {
            if call.credential.is_some() && !headers.iter().any(keyed) {
                headers.push(lent(call));
            }
        } else {
            // An SDK puts the key where it belongs.
            headers.retain(|header| !keyed(header));
        }
        let variable = variable(&call.summary.provider);
        Self { kind, method: &call.summary.method, url: base, query, headers, variable, body, streams }
    }

    /// The address with its query.
    pub(super) fn whole_url(&self) -> String {
        let mark = if self.query.is_empty() { "" } else { "?" };
        format!("{}{mark}{}", self.url, self.query)
    }

    /// The base address, the version and the model, where the path is Google's.
    pub(super) fn gemini_parts(&self) -> (&str, &str, &str) {
        let (base, version, rest) = match self.url.split_once("/v1beta/models/") {
            Some((base, rest)) => (base, "v1beta", rest),
            None => {
                let parts = self.url.split_once("/v1/models/");
                parts.map_or((self.url.as_str(), "v1", ""), |(base, rest)| (base, "v1", rest))
            }
        };
        (base, version, rest.rsplit_once(':').map_or(rest, |(model, _)| model))
    }
}

/// Scheme, host and path at which the call is made again: the provider's, or LLMFlow's where it translates.
pub fn url(call: &CallDetail) -> String {
    let translated = call.translated.is_some();
    let asked =
        call.request_headers.iter().find(|header| translated && header.name.eq_ignore_ascii_case("host"));
    let host = asked.map_or(&call.upstream, |header| &header.value);
    let local = ["localhost", "127.", "[::1]"].iter().any(|own| host.starts_with(own));
    let scheme = if translated || local { "http" } else { "https" };
    let host = host.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let path = if translated { call.summary.path.clone() } else { upstream_path(call) };
    format!("{scheme}://{host}{path}")
}

/// The path that the upstream was asked. Where only the client's is known, it begins with the provider's name.
fn upstream_path(call: &CallDetail) -> String {
    if let Some(path) = &call.upstream_path {
        return path.clone();
    }
    let (path, provider) = (call.summary.path.as_str(), call.summary.provider.as_str());
    let own = path.strip_prefix("/passthrough").filter(|rest| rest.starts_with('/')).unwrap_or(path);
    let below = own.strip_prefix('/').and_then(|rest| rest.strip_prefix(provider));
    let Some(rest) = below.filter(|rest| rest.starts_with('/')) else { return path.to_owned() };
    let prefix = PREFIXES.iter().find(|(name, _)| *name == provider).map(|(_, prefix)| *prefix);
    match prefix.filter(|prefix| !rest.starts_with(prefix)) {
        Some(prefix) => format!("{prefix}{rest}"),
        None => rest.to_owned(),
    }
}

fn query(call: &CallDetail) -> String {
    let query = call.query.as_deref().unwrap_or_default();
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !pair.contains(MARK)).collect();
    kept.join("&")
}

fn kind(call: &CallDetail, url: &str, query: &str, body: &Body<'_>) -> Kind {
    let Body::Json(members) = body else { return Kind::Http };
    let has = |name: &str| members.contains_key(name);
    if call.summary.method != "POST" || !has("model") && !has("contents") {
        return Kind::Http;
    }
    let gemini = [":generateContent", ":streamGenerateContent"].iter().any(|verb| url.ends_with(verb));
    // Vertex and Code Assist ask for more than a key.
    if gemini && has("contents") && ["/v1beta/models/", "/v1/models/"].iter().any(|place| url.contains(place))
    {
        return Kind::Gemini;
    }
    if url.ends_with("/v1/messages") && has("messages") && matches!(query, "" | "beta=true") {
        return Kind::Anthropic;
    }
    if !query.is_empty() || url.contains("/deployments/") {
        return Kind::Http;
    }
    let methods = [
        ("/chat/completions", "chat.completions", "messages"),
        ("/responses", "responses", "input"),
        ("/embeddings", "embeddings", "input"),
    ];
    let found = methods.into_iter().find(|(ending, _, named)| url.ends_with(ending) && has(named));
    found.map_or(Kind::Http, |(_, method, named)| Kind::Openai(method, named))
}

/// Whether a header is none to be said again: the connection, the client or its SDK sets it by itself, it says how bytes
/// were coded that are decoded here, or it was no text.
pub fn is_left_out(header: &Header) -> bool {
    let name = header.name.to_ascii_lowercase();
    LEFT_OUT.contains(&name.as_str())
        || LEFT_OUT_FAMILIES.iter().any(|family| name.starts_with(family))
        || header.value.contains(char::REPLACEMENT_CHARACTER)
}

fn headers(call: &CallDetail) -> Vec<(String, Text)> {
    let kept = call.request_headers.iter().filter(|header| !is_left_out(header));
    kept.map(|header| (header.name.clone(), text(&header.value))).collect()
}

fn text(value: &str) -> Text {
    let Some((before, rest)) = value.split_once(MARK) else { return Text::Plain(value.to_owned()) };
    let after = rest.split_once(']').map_or("", |(_, after)| after);
    Text::Key(before.to_owned(), after.to_owned())
}

/// Where a key goes that LLMFlow put there, and that stands in no recorded header.
fn lent(call: &CallDetail) -> (String, Text) {
    let (name, before) = match call.summary.provider.as_str() {
        "anthropic" => ("x-api-key", ""),
        "gemini" => ("x-goog-api-key", ""),
        "azure" => ("api-key", ""),
        _ => ("Authorization", "Bearer "),
    };
    (name.to_owned(), Text::Key(before.to_owned(), String::new()))
}

/// `GROQ_API_KEY`.
fn variable(provider: &str) -> String {
    let letters = provider.chars().map(|letter| match letter {
        'a'..='z' | '0'..='9' => letter.to_ascii_uppercase(),
        'A'..='Z' => letter,
        _ => '_',
    });
    let name: String = letters.collect();
    // A name may not begin with a digit.
    let first = if name.starts_with(|letter: char| letter.is_ascii_digit()) { "_" } else { "" };
    format!("{first}{name}_API_KEY")
}
