//! One answer of every dialect and vendor, from `crates/model/fixtures`, against what must be read from it.
//! The files are written by us to the providers' shapes.

use super::*;

/// What is said of one file: who sent it for which path, and what it says.
pub(super) struct Fixture {
    pub(super) file: &'static str,
    pub(super) provider: &'static str,
    pub(super) path: &'static str,
    model: &'static str,
    /// Input, cache read, cache written for 5 minutes, for an hour, output, reasoning.
    usage: [Option<u64>; 6],
    finish: &'static str,
    id: &'static str,
    /// What the model said: text as it is, `(thinking)`, `name{arguments}`, `[kind bytes]`.
    said: &'static str,
    error: &'static str,
}

const CHAT: &str = "/v1/chat/completions";
const REALTIME: &str = "/v1/realtime";
const LIVE: &str = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent";
const GEMINI: &str = "/v1beta/models/gemini-f:streamGenerateContent";
const CONVERSE: &str = "/model/us.amazon.nova-f-v1:0/converse-stream";
const NONE: [Option<u64>; 6] = [None; 6];
const PLAIN: Fixture = Fixture {
    file: "",
    provider: "openai",
    path: CHAT,
    model: "",
    usage: NONE,
    finish: "stop",
    id: "",
    said: "",
    error: "",
};

const fn of(input: u64, read: Option<u64>, output: u64, reasoning: Option<u64>) -> [Option<u64>; 6] {
    [Some(input), read, None, None, Some(output), reasoning]
}

const fn input(tokens: u64) -> [Option<u64>; 6] {
    [Some(tokens), None, None, None, None, None]
}

#[rustfmt::skip]
pub(super) const FIXTURES: [Fixture; 69] = [
    Fixture { file: "openai-chat.sse", model: "m-large-1", usage: of(116, Some(384), 30, Some(12)), id: "chatcmpl-f1", said: "Grüße aus 東京 🚲", ..PLAIN },
    Fixture { file: "openai-chat-tools-no-usage.sse", model: "m-large-1", finish: "tool_calls", id: "chatcmpl-f1", said: r#"look_up{"word":"Fahrrad"}"#, ..PLAIN },
    Fixture { file: "openai-chat-error.sse", model: "m-large-1", finish: "", id: "chatcmpl-f1", said: "Half a", error: "server_error: The server had a problem", ..PLAIN },
    Fixture { file: "openai-responses.sse", path: "/v1/responses", model: "m-codex-2", usage: [Some(508), Some(8192), Some(300), None, Some(77), Some(40)], finish: "completed", id: "resp_f1", said: r#"Done: 3 filesshell{"command":["ls","-l"]}"#, ..PLAIN },
    Fixture { file: "openai-responses-failed.sse", path: "/v1/responses", model: "m-codex-2", finish: "failed", id: "resp_f1", error: "rate_limit_exceeded: Try again in 3 s", ..PLAIN },
    Fixture { file: "openai-realtime.sse", path: REALTIME, model: "rt-f", usage: of(160, Some(320), 130, None), finish: "completed", id: "resp_r1", said: r#"Moin, Köln!clock{"zone":"CET"}"#, ..PLAIN },
    Fixture { file: "openai-realtime-failed.sse", path: REALTIME, usage: of(10, Some(0), 2, None), finish: "failed", id: "resp_r2", said: "Ha", error: "rate_limit_exceeded: Slow down", ..PLAIN },
    Fixture { file: "gemini-live.sse", provider: "gemini", path: LIVE, usage: of(300, Some(600), 47, Some(33)), finish: "STOP", said: r#"Ja, gern.list_dir{"path":"."}"#, ..PLAIN },
    Fixture { file: "openai-completions.sse", path: "/v1/completions", model: "m-base", usage: of(7, None, 4, None), finish: "length", id: "cmpl-f", said: "fn main() {}", ..PLAIN },
    Fixture { file: "anthropic-messages.sse", provider: "anthropic", path: "/v1/messages", model: "claude-f-1", usage: [Some(20), Some(5000), Some(400), Some(300), Some(95), Some(50)], finish: "tool_use", id: "msg_f1", said: r#"(Erst lesen…)Ich lese die Datei.Read{"path":"a.rs"}"#, ..PLAIN },
    Fixture { file: "anthropic-error.sse", provider: "anthropic", path: "/v1/messages", model: "claude-f-1", usage: [Some(20), Some(5000), Some(400), Some(300), Some(3), None], finish: "", id: "msg_f1", said: "(Erst lesen…)Ich lese die Datei.", error: "overloaded_error: Overloaded" },
    Fixture { file: "gemini.sse", provider: "gemini", path: GEMINI, model: "gemini-f", usage: of(300, Some(600), 47, Some(33)), finish: "STOP", id: "gf-1", said: r#"(Nachdenken)Ja, gern.list_dir{"path":"."}"#, ..PLAIN },
    Fixture { file: "gemini-array.json", provider: "gemini", path: GEMINI, model: "gemini-f", usage: of(300, Some(600), 47, Some(33)), finish: "STOP", id: "gf-1", said: r#"(Nachdenken)Ja, gern.list_dir{"path":"."}"#, ..PLAIN },
    Fixture { file: "gemini-code-assist.sse", provider: "gemini", path: "/v1internal:streamGenerateContent", model: "gemini-f", usage: of(300, Some(600), 47, Some(33)), finish: "STOP", id: "gf-1", said: r#"(Nachdenken)Ja, gern.list_dir{"path":"."}"#, ..PLAIN },
    Fixture { file: "gemini-error.sse", provider: "gemini", path: GEMINI, model: "gemini-f", usage: input(900), finish: "", id: "gf-1", said: "(Nachdenken)Ja, ", error: "UNAVAILABLE: Overloaded" },
    Fixture { file: "ollama-chat.ndjson", provider: "ollama", path: "/api/chat", model: "qwen-f:1b", usage: of(11, None, 50, None), said: r#"(Hm)Tagchenclock{"zone":"CET"}"#, ..PLAIN },
    Fixture { file: "ollama-generate.ndjson", provider: "ollama", path: "/api/generate", model: "qwen-f:1b", usage: of(11, None, 50, None), said: "eins zwei", ..PLAIN },
    Fixture { file: "ollama-error.ndjson", provider: "ollama", path: "/api/chat", model: "qwen-f:1b", finish: "", said: "Ich", error: "an error was encountered while running the model: CUDA error", ..PLAIN },
    Fixture { file: "ollama-pull.ndjson", provider: "ollama", path: "/api/pull", finish: "", ..PLAIN },
    Fixture { file: "cohere-chat.sse", provider: "cohere", path: "/v2/chat", usage: of(21, None, 6, None), finish: "COMPLETE", id: "co-f", said: "Bonjour", ..PLAIN },
    Fixture { file: "mistral-chat.sse", provider: "mistral", model: "mistral-f", usage: of(9, None, 8, None), id: "mi-f", said: "(Voyons)Oui<reference>", ..PLAIN },
    Fixture { file: "mistral-conversation.sse", provider: "mistral", path: "/v1/conversations", model: "mistral-f", usage: of(12, None, 9, None), finish: "", id: "conv_f", said: r#"Salutmétéo{"v":1}"#, ..PLAIN },
    Fixture { file: "azure-chat.sse", provider: "azure", path: "/openai/deployments/d/chat/completions", model: "gpt-f-2025", usage: of(15, None, 3, None), id: "az-f", said: "Moin", ..PLAIN },
    Fixture { file: "llamacpp-chat.sse", provider: "llama", model: "f.gguf", usage: of(5, Some(100), 20, None), id: "ll-f", said: "(Also)ja", ..PLAIN },
    Fixture { file: "llamacpp-completion.sse", provider: "llama", path: "/completion", model: "f.gguf", usage: of(5, Some(100), 20, None), finish: "limit", said: "ein Wort", ..PLAIN },
    Fixture { file: "llamacpp-error.sse", provider: "llama", model: "f.gguf", finish: "", id: "ll-f", said: "ja", error: "server_error: Failed to parse tool call", ..PLAIN },
    Fixture { file: "openrouter-chat.sse", provider: "openrouter", path: "/api/v1/chat/completions", model: "vendor/m-f", usage: [Some(50), Some(40), Some(10), None, Some(8), Some(3)], id: "gen-f", said: "(Na)gut", ..PLAIN },
    Fixture { file: "perplexity-chat.sse", provider: "perplexity", model: "sonar-f", usage: of(6, None, 10, None), id: "px-f", said: "Die Antwort", ..PLAIN },
    Fixture { file: "together-chat.sse", provider: "together", model: "org/M-Turbo", usage: of(30, None, 2, None), finish: "eos", id: "tg-f", said: "Hei", ..PLAIN },
    Fixture { file: "groq-chat.sse", provider: "groq", path: "/openai/v1/chat/completions", model: "m-versatile", usage: of(17, None, 25, None), id: "gq-f", said: "flott", ..PLAIN },
    Fixture { file: "groq-error.sse", provider: "groq", path: "/openai/v1/chat/completions", model: "m-versatile", finish: "", id: "gq-f", said: "fl", error: "over capacity", ..PLAIN },
    Fixture { file: "deepseek-chat.sse", provider: "deepseek", model: "deepseek-f", usage: of(72, Some(128), 44, Some(30)), id: "ds-f", said: "(想)好", ..PLAIN },
    Fixture { file: "xai-chat.sse", provider: "xai", model: "grok-f", usage: of(32, Some(8), 85, Some(80)), id: "xa-f", said: "Ok", ..PLAIN },
    Fixture { file: "cerebras-chat.sse", provider: "cerebras", model: "m-wafer", usage: of(4, None, 2, None), id: "cb-f", said: "zack", ..PLAIN },
    Fixture { file: "fireworks-chat.sse", provider: "fireworks", model: "accounts/f/models/m", usage: of(32, Some(32), 2, None), id: "fw-f", said: "bumm", ..PLAIN },
    Fixture { file: "images.sse", path: "/v1/images/generations", usage: of(30, None, 272, None), finish: "", said: "[image 6]", ..PLAIN },
    Fixture { file: "images-error.sse", path: "/v1/images/edits", finish: "", said: "[image 3]", error: "server_error: Oops", ..PLAIN },
    Fixture { file: "images.json", path: "/v1/images/generations", usage: of(10, None, 20, None), finish: "", said: "[image 3][image https://example.org/i.png]", ..PLAIN },
    Fixture { file: "imagen.json", provider: "gemini", path: "/v1beta/models/imagen-f:predict", finish: "", said: "[image 6]", ..PLAIN },
    Fixture { file: "transcription.sse", path: "/v1/audio/transcriptions", usage: of(14, None, 45, None), finish: "", said: "Guten Abend", ..PLAIN },
    Fixture { file: "transcription-duration.json", path: "/v1/audio/translations", finish: "", said: "Ein Satz", ..PLAIN },
    Fixture { file: "speech.sse", path: "/v1/audio/speech", usage: of(14, None, 101, None), finish: "", said: "[audio 6]", ..PLAIN },
    Fixture { file: "moderation.json", path: "/v1/moderations", model: "omni-f", finish: "", id: "modr-f", ..PLAIN },
    Fixture { file: "rerank-cohere.json", provider: "cohere", path: "/v2/rerank", finish: "", id: "rr-f", ..PLAIN },
    Fixture { file: "rerank-jina.json", provider: "jina", path: "/v1/rerank", model: "reranker-f", usage: input(815), finish: "", ..PLAIN },
    Fixture { file: "embeddings.json", path: "/v1/embeddings", model: "embed-f", usage: input(9), finish: "", ..PLAIN },
    Fixture { file: "embeddings-vertex.json", provider: "gemini", path: "/v1/models/text-embedding-f:predict", usage: input(9), finish: "", ..PLAIN },
    Fixture { file: "ocr.json", provider: "mistral", path: "/v1/ocr", model: "ocr-f", finish: "", said: "# Seite 1Ende", ..PLAIN },
    Fixture { file: "batch-openai.json", path: "/v1/batches", finish: "in_progress", id: "batch_f", ..PLAIN },
    Fixture { file: "batch-anthropic.json", provider: "anthropic", path: "/v1/messages/batches", finish: "ended", id: "msgbatch_f", ..PLAIN },
    Fixture { file: "batch-results.jsonl", provider: "anthropic", path: "/v1/messages/batches/b/results", finish: "results", ..PLAIN },
    Fixture { file: "response-stored.json", path: "/v1/responses/resp_f1/cancel", model: "m-codex-2", finish: "completed", id: "resp_f1", said: "Done: 3 files", ..PLAIN },
    Fixture { file: "response-queued.json", path: "/v1/responses", model: "m-codex-2", finish: "", id: "resp_f1", ..PLAIN },
    Fixture { file: "generation.json", provider: "openrouter", path: "/api/v1/generation", model: "vendor/m-f", finish: "", id: "gen-f", ..PLAIN },
    Fixture { file: "count-tokens.json", provider: "anthropic", path: "/v1/messages/count_tokens", finish: "", ..PLAIN },
    Fixture { file: "bedrock-claude.eventstream", provider: "bedrock", path: "/model/us.anthropic.claude-f-v1:0/invoke-with-response-stream", model: "claude-f-1", usage: [Some(20), Some(5000), Some(300), None, Some(66), None], finish: "tool_use", id: "msg_bdrk_f1", said: r#"(Überlegen…)Gern, 東京.Read{"path":"b.rs"}"#, ..PLAIN },
    Fixture { file: "bedrock-claude-error.eventstream", provider: "bedrock", path: "/model/us.anthropic.claude-f-v1:0/invoke-with-response-stream", model: "claude-f-1", usage: [Some(20), Some(5000), Some(300), None, Some(2), None], finish: "", id: "msg_bdrk_f1", said: "(Überlegen…)Gern, 東京.", error: "modelStreamErrorException: The model stopped" },
    Fixture { file: "bedrock-converse.eventstream", provider: "bedrock", path: CONVERSE, usage: [Some(31), Some(1000), Some(300), Some(200), Some(47), None], finish: "tool_use", said: r#"(Erst denken)Grüße 🚲look_up{"word":"Rad"}now{}"#, ..PLAIN },
    Fixture { file: "bedrock-converse-error.eventstream", provider: "bedrock", path: CONVERSE, finish: "", said: "Grüße ", error: "throttlingException: Too many tokens", ..PLAIN },
    Fixture { file: "bedrock-converse.json", provider: "bedrock", path: "/model/m/converse", usage: of(9, None, 5, None), finish: "tool_use", said: r#"(Hm)Jaf{"a":1}"#, ..PLAIN },
    Fixture { file: "bedrock-nova.eventstream", provider: "bedrock", path: "/model/amazon.nova-f-v1:0/invoke-with-response-stream", usage: [Some(12), Some(7), Some(0), None, Some(4), None], finish: "end_turn", said: "Nova sagt ja", ..PLAIN },
    Fixture { file: "bedrock-llama.eventstream", provider: "bedrock", path: "/model/meta.llama-f-v1:0/invoke-with-response-stream", usage: of(14, None, 3, None), said: "Das Lama", ..PLAIN },
    Fixture { file: "bedrock-titan.eventstream", provider: "bedrock", path: "/model/amazon.titan-text-f/invoke-with-response-stream", usage: of(6, None, 8, None), finish: "FINISH", said: "Titan spricht", ..PLAIN },
    Fixture { file: "bedrock-titan.json", provider: "bedrock", path: "/model/amazon.titan-text-f/invoke", usage: of(6, None, 8, None), finish: "LENGTH", said: "Titan spricht", ..PLAIN },
    Fixture { file: "bedrock-mistral.eventstream", provider: "bedrock", path: "/model/mistral.mixtral-f-v0:1/invoke-with-response-stream", usage: of(5, None, 3, None), said: "Vent fort", ..PLAIN },
    Fixture { file: "bedrock-cohere.eventstream", provider: "bedrock", path: "/model/cohere.command-f-v1:0/invoke-with-response-stream", usage: of(7, None, 2, None), finish: "COMPLETE", id: "br-co", said: "Bon soir", ..PLAIN },
    Fixture { file: "bedrock-deepseek.eventstream", provider: "bedrock", path: "/model/deepseek.r1-f-v1:0/invoke-with-response-stream", usage: of(4, None, 2, None), said: "深海", ..PLAIN },
    Fixture { file: "bedrock-qwen.eventstream", provider: "bedrock", path: "/model/qwen.q-f-v1:0/invoke-with-response-stream", model: "qwen.q-f", usage: of(8, None, 3, None), id: "chatcmpl-q", said: "Qwen hier", ..PLAIN },
    Fixture { file: "bedrock-embeddings.json", provider: "bedrock", path: "/model/amazon.titan-embed-f/invoke", usage: input(9), finish: "", ..PLAIN },
];

impl Fixture {
    pub(super) fn bytes(&self) -> Vec<u8> {
        std::fs::read(format!("{}/fixtures/{}", env!("CARGO_MANIFEST_DIR"), self.file)).unwrap()
    }

    pub(super) fn case(&self, response: Vec<u8>) -> Case {
        let content_type = match self.file.rsplit_once('.').unwrap().1 {
            "sse" => "text/event-stream",
            "ndjson" => "application/x-ndjson",
            "jsonl" => "application/x-jsonl",
            "eventstream" => "application/vnd.amazon.eventstream",
            _ => "application/json",
        };
        Case { content_type, ..Case::new(self.provider, self.path, response) }
    }
}

fn said(case: &Case) -> String {
    let shown = |part| match part {
        Part::Text { text } | Part::Refusal { text } => text,
        Part::Thinking { text } => format!("({text})"),
        Part::ToolCall { name, arguments, .. } => format!("{name}{arguments}"),
        Part::Media { kind, url: Some(url), .. } => format!("[{kind} {url}]"),
        Part::Media { kind, bytes, .. } => format!("[{kind} {}]", bytes.unwrap()),
        Part::Other { kind, .. } | Part::ToolResult { id: None, text: kind, .. } => format!("<{kind}>"),
        Part::ToolResult { .. } => panic!("no answer holds results with ids here"),
    };
    answer(case).into_iter().map(shown).collect()
}

#[test]
fn every_dialect_says_what_it_says() {
    for fixture in &FIXTURES {
        let case = fixture.case(fixture.bytes());
        let reading = case.read();
        let file = fixture.file;
        let usage = &reading.usage;
        let found = [
            usage.input,
            usage.cache_read,
            usage.cache_write_5m,
            usage.cache_write_1h,
            usage.output,
            usage.reasoning,
        ];
        assert_eq!(found, fixture.usage, "{file}");
        assert_eq!(reading.model.as_deref().unwrap_or_default(), fixture.model, "{file}");
        assert_eq!(reading.finish_reason.as_deref().unwrap_or_default(), fixture.finish, "{file}");
        assert_eq!(reading.response_id.as_deref().unwrap_or_default(), fixture.id, "{file}");
        assert_eq!(said(&case), fixture.said, "{file}");
        assert_eq!(reading.error.as_deref().unwrap_or_default(), fixture.error, "{file}");
        assert_eq!(reading.error_in_stream, !fixture.error.is_empty(), "{file}");
        let failed_midway = !fixture.error.is_empty() && fixture.finish != "failed";
        assert_eq!(reading.complete, !failed_midway, "{file}");
        assert_ne!(case.exchange().dialect, Dialect::Unknown, "{file}");
    }
}

#[test]
fn no_file_is_forgotten() {
    let folder = std::fs::read_dir(format!("{}/fixtures", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let files = folder.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file());
    let mut files: Vec<String> = files.map(|entry| entry.file_name().into_string().unwrap()).collect();
    files.sort();
    let mut known: Vec<&str> = FIXTURES.iter().map(|fixture| fixture.file).collect();
    known.sort_unstable();
    assert_eq!(files, known);
}

#[test]
fn prices_and_searches_of_vendors_are_read() {
    let read = |file: &str| {
        let fixture = FIXTURES.iter().find(|fixture| fixture.file == file).unwrap();
        fixture.case(fixture.bytes()).read()
    };
    for (file, pico, searches) in [
        ("openrouter-chat.sse", Some(310_000_000), 0),
        ("perplexity-chat.sse", Some(5_016_000_000), 1),
        ("xai-chat.sse", Some(2_500_000_000), 0),
        ("anthropic-messages.sse", None, 2),
        ("generation.json", None, 0),
        ("response-stored.json", None, 0),
    ] {
        let reading = read(file);
        assert_eq!(reading.provider_cost.map(api::Money::pico), pico, "{file}");
        assert_eq!(reading.units.web_searches, searches, "{file}");
    }
    assert!(read("response-queued.json").in_background);
    assert_eq!(read("response-stored.json").read_again.unwrap().total(), Some(107));
}

#[test]
fn servers_tell_how_they_spent_their_time() {
    for (file, prompt_us, output_us, rest) in [
        ("llamacpp-chat.sse", 50_500, 400_000, (None, None, Some((8, 6)))),
        ("llamacpp-completion.sse", 50_500, 400_000, (None, None, Some((8, 6)))),
        ("ollama-chat.ndjson", 400_000, 2_000_000, (Some(500_000), None, None)),
        ("groq-chat.sse", 1_000, 50_000, (None, Some(20_000), None)),
        ("cerebras-chat.sse", 1_000, 2_000, (None, Some(500), None)),
    ] {
        let fixture = FIXTURES.iter().find(|fixture| fixture.file == file).unwrap();
        let server = fixture.case(fixture.bytes()).read().server.unwrap();
        assert_eq!((server.prompt_us, server.output_us), (Some(prompt_us), Some(output_us)), "{file}");
        let drafts = server.drafted.zip(server.drafts_accepted);
        assert_eq!((server.load_us, server.queue_us, drafts), rest, "{file}");
        assert!(server.output_tokens.is_some() && server.prompt_tokens.is_some(), "{file}");
    }
    let quick = api::ServerTiming {
        output_us: Some(400_000),
        output_tokens: Some(20),
        ..api::ServerTiming::default()
    };
    assert_eq!(quick.output_per_second(), Some(50.0));
}
