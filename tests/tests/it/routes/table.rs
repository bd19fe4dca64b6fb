//! Every row of the table: with the client's own key, with none, with a local one, and by the header.

use tests::{Answer, Mock, Setup, send};

use super::{call, local_key, text};
use crate::requests::request;

/// How a row takes its key.
enum Key {
    Bearer(&'static str),
    Own(&'static str, &'static str),
    None,
}

/// Name, path asked below it, path at the upstream, key.
const ROWS: &[(&str, &str, &str, Key)] = &[
    ("openai", "/v1/chat/completions", "/v1/chat/completions", Key::Bearer("OPENAI_API_KEY")),
    ("anthropic", "/v1/messages", "/v1/messages", Key::Own("x-api-key", "ANTHROPIC_API_KEY")),
    ("anthropic", "/v1/chat/completions", "/v1/chat/completions", Key::Bearer("ANTHROPIC_API_KEY")),
    (
        "gemini",
        "/v1beta/models/m:generateContent",
        "/v1beta/models/m:generateContent",
        Key::Own("x-goog-api-key", "GEMINI_API_KEY"),
    ),
    (
        "gemini",
        "/v1beta/openai/chat/completions",
        "/v1beta/openai/chat/completions",
        Key::Bearer("GEMINI_API_KEY"),
    ),
    (
        "azure",
        "/v1/chat/completions",
        "/ours/openai/deployments/gpt-41/chat/completions",
        Key::Own("api-key", "AZURE_OPENAI_API_KEY"),
    ),
    ("azure", "/v1/responses", "/ours/openai/v1/responses", Key::Own("api-key", "AZURE_OPENAI_API_KEY")),
    (
        "azure",
        "/openai/v1/responses",
        "/ours/openai/v1/responses",
        Key::Own("api-key", "AZURE_OPENAI_API_KEY"),
    ),
    (
        "azure",
        "/openai/deployments/d/embeddings",
        "/ours/openai/deployments/d/embeddings",
        Key::Own("api-key", "AZURE_OPENAI_API_KEY"),
    ),
    (
        "helicone",
        "/v1/chat/completions",
        "/v1/chat/completions",
        Key::Own("helicone-auth", "HELICONE_API_KEY"),
    ),
    ("bedrock", "/model/m-v1:0/converse", "/model/m-v1:0/converse", Key::Bearer("AWS_BEARER_TOKEN_BEDROCK")),
    ("cohere", "/v2/chat", "/v2/chat", Key::Bearer("COHERE_API_KEY")),
    ("groq", "/v1/chat/completions", "/openai/v1/chat/completions", Key::Bearer("GROQ_API_KEY")),
    ("groq", "/openai/v1/chat/completions", "/openai/v1/chat/completions", Key::Bearer("GROQ_API_KEY")),
    ("mistral", "/v1/chat/completions", "/v1/chat/completions", Key::Bearer("MISTRAL_API_KEY")),
    ("deepseek", "/chat/completions", "/chat/completions", Key::Bearer("DEEPSEEK_API_KEY")),
    ("deepseek", "/anthropic/v1/messages", "/anthropic/v1/messages", Key::Bearer("DEEPSEEK_API_KEY")),
    ("xai", "/v1/responses", "/v1/responses", Key::Bearer("XAI_API_KEY")),
    ("together", "/v1/chat/completions", "/v1/chat/completions", Key::Bearer("TOGETHER_API_KEY")),
    ("fireworks", "/v1/chat/completions", "/inference/v1/chat/completions", Key::Bearer("FIREWORKS_API_KEY")),
    ("fireworks", "/inference/v1/completions", "/inference/v1/completions", Key::Bearer("FIREWORKS_API_KEY")),
    ("cerebras", "/v1/chat/completions", "/v1/chat/completions", Key::Bearer("CEREBRAS_API_KEY")),
    ("perplexity", "/chat/completions", "/chat/completions", Key::Bearer("PERPLEXITY_API_KEY")),
    ("perplexity", "/v1/chat/completions", "/chat/completions", Key::Bearer("PERPLEXITY_API_KEY")),
    ("perplexity", "/v1/responses", "/v1/responses", Key::Bearer("PERPLEXITY_API_KEY")),
    ("openrouter", "/v1/chat/completions", "/api/v1/chat/completions", Key::Bearer("OPENROUTER_API_KEY")),
    ("openrouter", "/api/v1/chat/completions", "/api/v1/chat/completions", Key::Bearer("OPENROUTER_API_KEY")),
    ("ollama", "/api/chat", "/api/chat", Key::None),
    ("ollama", "/v1/chat/completions", "/v1/chat/completions", Key::None),
    ("lmstudio", "/api/v0/chat/completions", "/api/v0/chat/completions", Key::None),
    ("vllm", "/v1/completions", "/v1/completions", Key::None),
    ("corp", "/v1/chat/completions", "/base/llm/v1/chat/completions", Key::Bearer("CORP_KEY")),
    ("claudes", "/v1/messages", "/base/v1/messages", Key::Own("x-api-key", "CLAUDES_KEY")),
];
const PASSTHROUGH: &[&str] = &["openai", "anthropic", "gemini", "bedrock", "helicone", "corp", "claudes"];
const BODY: &[u8] =
    b" {\"messages\": [{\"role\":\"user\",\"content\":\"Gr\xc3\xbc\xc3\x9fe\"}],  \"model\":\"gpt-4.1\"}\n";
const OTHERS: &str = "User-Agent: x/1\r\nContent-Type: application/json\r\nHTTP-Referer: https://app.example\r\nX-Title: App\r\nOpenAI-Organization: org\r\nOpenAI-Beta: b=1\r\nX-Client-Name: mine\r\nHelicone-Property-A: 1\r\nIdempotency-Key: i-1\r\nx-trace-id: t-1\r\nx-parent-id: p-1\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nx-dup: 1\r\nx-dup: 2\r\n";

impl Key {
    fn variable(&self) -> Option<&'static str> {
        match self {
            Self::Bearer(variable) | Self::Own(_, variable) => Some(variable),
            Self::None => None,
        }
    }

    /// The header line that carries `key`.
    fn line(&self, key: &str) -> Option<String> {
        match self {
            Self::Bearer(_) => Some(format!("authorization: Bearer {key}")),
            Self::Own("helicone-auth", _) => Some(format!("helicone-auth: Bearer {key}")),
            Self::Own(name, _) => Some(format!("{name}: {key}")),
            Self::None => None,
        }
    }
}

fn setup(mock: &Mock) -> Setup {
    let address = mock.address();
    let settings = format!(
        "[providers.corp]\nbase_url = 'http://{address}/base/'\npath_prefix = '/llm'\nkey_env = 'CORP_KEY'\n\
         [providers.claudes]\nbase_url = 'http://{address}/base'\ndialect = 'anthropic'\nkey_env = 'CLAUDES_KEY'\n"
    );
    let setup = Setup::new(address)
        .settings(&settings)
        .variable("LLMFLOW_UPSTREAM_AZURE", &format!("http://{address}/{{resource}}"))
        .variable("AZURE_OPENAI_RESOURCE", "ours");
    let variables = ROWS.iter().filter_map(|(.., key)| key.variable());
    variables.fold(setup, |setup, variable| setup.variable(variable, &format!("real-{variable}")))
}

#[tokio::test]
async fn every_row_goes_where_it_should_with_its_key_and_nothing_else_changed() {
    let mock = Mock::start().await;
    let app = setup(&mock).start().await;
    let local = local_key(&app).await;
    mock.answer(|_| {
        Answer::whole(418, "application/x-odd; a=b", "{\"error\": \"tea\u{0}pot\"}")
            .header("X-Request-Id", "r-1")
            .header("x-ratelimit-remaining-tokens", "7")
            .header("Set-Cookie", "a=1")
            .header("Set-Cookie", "b=2")
    });
    let (mut rows, mut calls) = (0, 0);
    for (name, asked, wanted, key) in ROWS {
        let mut prefixes = vec![format!("/{name}")];
        // On its own prefix this is translated (`translation`).
        prefixes.retain(|prefix| prefix != "/anthropic" || !asked.ends_with("/chat/completions"));
        if PASSTHROUGH.contains(name) {
            prefixes.push(format!("/passthrough/{name}"));
        }
        if *name == "openai" {
            prefixes.push(String::new());
        }
        for prefix in prefixes {
            let (target, at_upstream) =
                (format!("{prefix}{asked}?a=b%2Fc&a&z="), format!("{wanted}?a=b%2Fc&a&z="));
            let real = key.variable().and_then(|variable| key.line(&format!("real-{variable}")));
            let own = key.line("own-key").unwrap_or_else(|| "authorization: Bearer own-key".to_owned());
            for (sent, expected) in [
                (Some(own.clone()), Some(own.clone())),
                (None, real.clone()),
                (Some(format!("Authorization: Bearer {local}")), real.clone()),
            ] {
                let what = format!("{target} with {sent:?}");
                let line = sent.map(|line| format!("{line}\r\n")).unwrap_or_default();
                let (response, received) = call(&app, &mock, &target, &format!("{OTHERS}{line}"), BODY).await;
                let version = if at_upstream.contains("/openai/deployments/gpt-41/") {
                    "&api-version=2024-02-01"
                } else {
                    ""
                };
                assert_eq!(received.target(), format!("{at_upstream}{version}"), "{what}");
                assert_eq!(received.head.header("host"), Some(mock.address().to_string()), "{what}");
                assert_eq!(received.body, BODY, "{what}");
                let mut lines: Vec<String> = received.head.end_to_end().iter().map(text).collect();
                lines.retain(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
                let mut kept: Vec<String> = OTHERS.trim_end().split("\r\n").map(str::to_owned).collect();
                kept.extend(expected);
                let canonical = |lines: Vec<String>| {
                    let mut lines: Vec<String> = lines
                        .into_iter()
                        .map(|line| {
                            line.split_once(": ")
                                .map(|(name, value)| format!("{}: {value}", name.to_ascii_lowercase()))
                                .unwrap_or(line)
                        })
                        .collect();
                    lines.sort();
                    lines
                };
                assert_eq!(canonical(lines), canonical(kept), "{what}");
                let shown: Vec<String> = response.head.end_to_end().iter().map(text).collect();
                for line in [
                    "X-Request-Id: r-1",
                    "x-ratelimit-remaining-tokens: 7",
                    "Set-Cookie: a=1",
                    "Set-Cookie: b=2",
                ] {
                    assert!(shown.iter().any(|shown| shown == line), "{what}: {line} in {shown:?}");
                }
                assert!(
                    !shown.iter().any(|line| line.to_lowercase().starts_with("access-control-")),
                    "{what}"
                );
                assert_eq!(
                    (response.status(), response.text().as_str()),
                    (418, "{\"error\": \"tea\u{0}pot\"}"),
                    "{what}"
                );
                calls += 1;
            }
            rows += 1;
        }
    }
    println!("{rows} routes of {} rows, {calls} calls, all as they should be", ROWS.len());
    let known = app.providers().await.providers;
    let missing: Vec<_> =
        known.iter().filter(|known| !ROWS.iter().any(|(name, ..)| *name == known.name)).collect();
    assert!(missing.is_empty(), "every provider has a row here: {missing:?}");
    let recorded = app.recorded(calls).await;
    assert!(recorded.iter().all(|call| call.status == Some(418)));
}

#[tokio::test]
async fn the_header_names_any_provider_and_the_lists_name_all() {
    let mock = Mock::start().await;
    let app = setup(&mock).start().await;
    let names: Vec<String> =
        app.providers().await.providers.into_iter().map(|provider| provider.name).collect();
    for name in &names {
        let header = format!("X-LLMFlow-Provider: {}\r\nX-LLMFlow-Tags: a, b\r\n", name.to_uppercase());
        let (_, received) = call(&app, &mock, "/v1/audio/x?q", &header, b"x").await;
        assert!(received.target().ends_with("/v1/audio/x?q"), "{name}: {}", received.target());
        let leaked =
            received.head.headers.iter().any(|line| line.name.to_lowercase().starts_with("x-llmflow"));
        assert!(!leaked, "{name}: {:?}", received.head);
    }
    let recorded = app.recorded(names.len()).await;
    let mut seen: Vec<&str> = recorded.iter().map(|call| call.provider.as_str()).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    seen.sort_unstable();
    all.sort_unstable();
    assert_eq!(seen, all);
    assert!(recorded.iter().all(|call| call.tags == ["a", "b"]), "{recorded:?}");

    let get = async |path: &str| send(app.proxy, &request("GET", path, "", b"")).await.json();
    let listed = get("/providers").await;
    let prefix = |name: &str, list: &str| {
        let rows = listed[list].as_array().unwrap();
        rows.iter().find(|row| row["name"] == name).map(|row| row["prefix"].as_str().unwrap().to_owned())
    };
    assert_eq!(prefix("openai", "providers").as_deref(), Some("/v1/*"));
    for name in names.iter().filter(|name| *name != "openai") {
        assert_eq!(prefix(name, "providers"), Some(format!("/{name}/v1/*")));
    }
    for name in PASSTHROUGH {
        assert_eq!(prefix(name, "passthrough"), Some(format!("/passthrough/{name}/*")));
    }
    assert_eq!(listed["passthrough"].as_array().unwrap().len(), PASSTHROUGH.len());
    assert_eq!(listed["usage"].as_object().unwrap().len(), 4);
    let health = get("/health").await;
    assert_eq!(health["providers"].as_array().unwrap().len(), names.len());
    assert_eq!(health["service"], "proxy");
}
