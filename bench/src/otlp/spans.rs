//! What the spans of the load say: an agent's traces (the agent, calls of a model, tools, HTTP beneath them), or calls of
//! a model alone. At least 20 attributes each, names and values as OpenTelemetry's GenAI conventions have them.

/// Bytes of the text that a span carries, where it carries one.
pub(crate) const TEXT: usize = 2_048;
/// Who reports: the agent's own instrumentation, and that of HTTP.
pub(super) const SCOPES: [&str; 2] =
    ["opentelemetry.instrumentation.agents", "@opentelemetry/instrumentation-undici"];

/// Which spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// An agent's, without texts.
    Mixed,
    /// An agent's, its own spans with a text of [`TEXT`] bytes.
    MixedText,
    /// Calls of a model, without texts, each a trace of its own.
    Llm,
    /// The same with a text.
    LlmText,
}

/// What one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Agent,
    Llm,
    Tool,
    Http,
}

/// A trace of an agent: the first is the parent of the others.
pub(super) const AGENT: [Kind; 10] = [
    Kind::Agent,
    Kind::Llm,
    Kind::Http,
    Kind::Tool,
    Kind::Http,
    Kind::Llm,
    Kind::Http,
    Kind::Tool,
    Kind::Llm,
    Kind::Http,
];

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Said {
    Word(&'static str),
    /// Sixteen letters that no other span has, after this beginning.
    Mark(&'static str),
    Int(i64),
    Double(f64),
    Bool(bool),
    Words(&'static [&'static str]),
    /// A text of [`TEXT`] bytes between these two.
    Text(&'static str, &'static str),
}

/// One span.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) trace: usize,
    pub(super) number: usize,
    pub(super) parent: Option<usize>,
    pub(super) scope: &'static str,
    pub(super) name: &'static str,
    pub(super) kind: u8,
    pub(super) said: Vec<(&'static str, Said)>,
}

/// The span at this place of a batch.
pub(super) fn of(shape: Shape, at: usize) -> Span {
    let (text, kind, trace, parent) = match shape {
        Shape::Mixed | Shape::MixedText => {
            let (trace, within) = (at / AGENT.len(), at % AGENT.len());
            let kind = AGENT.get(within).copied().unwrap_or(Kind::Http);
            (shape == Shape::MixedText, kind, trace, (within > 0).then_some(at - within))
        }
        Shape::Llm | Shape::LlmText => (shape == Shape::LlmText, Kind::Llm, at, None),
    };
    let (name, span_kind, mut said) = match kind {
        Kind::Agent => ("invoke_agent planner", 1, agent()),
        Kind::Llm => ("chat gpt-4o-mini", 3, llm()),
        Kind::Tool => ("execute_tool search_files", 1, tool()),
        Kind::Http => ("POST", 3, http()),
    };
    if text {
        said.extend(match kind {
            Kind::Agent | Kind::Llm => Some(("gen_ai.input.messages", Said::Text(MESSAGE, MESSAGE_END))),
            Kind::Tool => Some(("gen_ai.tool.call.result", Said::Text("", ""))),
            Kind::Http => None,
        });
    }
    let [own, below] = SCOPES;
    let scope = if kind == Kind::Http { below } else { own };
    Span { trace, number: at, parent, scope, name, kind: span_kind, said }
}

const MESSAGE: &str = r#"[{"role":"user","parts":[{"type":"text","content":""#;
const MESSAGE_END: &str = r#""}]}]"#;

/// What every span of the program says.
fn common() -> Vec<(&'static str, Said)> {
    vec![
        ("session.id", Said::Word("9d8f7c1e-5a50-4c1e-9a3c-4f7a2f6f9b11")),
        ("user.id", Said::Word("user_0123456789abcdef")),
        ("thread.id", Said::Int(140_213)),
        ("thread.name", Said::Word("worker-3")),
        ("code.function.name", Said::Word("planner.run_turn")),
        ("code.file.path", Said::Word("planner/turns.py")),
        ("code.line.number", Said::Int(412)),
        ("deployment.environment.name", Said::Word("development")),
    ]
}

fn agent() -> Vec<(&'static str, Said)> {
    let own = [
        ("gen_ai.operation.name", Said::Word("invoke_agent")),
        ("gen_ai.provider.name", Said::Word("openai")),
        ("gen_ai.agent.id", Said::Mark("asst_")),
        ("gen_ai.agent.name", Said::Word("planner")),
        ("gen_ai.agent.description", Said::Word("Plans the work and hands it out")),
        ("gen_ai.conversation.id", Said::Word("conv_5j66UpCpwteGg4YSxUnt7lPY")),
        ("gen_ai.request.model", Said::Word("gpt-4o-mini")),
        ("gen_ai.output.type", Said::Word("text")),
        ("gen_ai.request.temperature", Said::Double(0.2)),
        ("agent.turn", Said::Int(7)),
        ("agent.max_turns", Said::Int(30)),
        ("agent.finished", Said::Bool(true)),
    ];
    [common(), own.to_vec()].concat()
}

fn llm() -> Vec<(&'static str, Said)> {
    let own = [
        ("gen_ai.operation.name", Said::Word("chat")),
        ("gen_ai.provider.name", Said::Word("openai")),
        ("gen_ai.request.model", Said::Word("gpt-4o-mini")),
        ("gen_ai.response.model", Said::Word("gpt-4o-mini-2024-07-18")),
        ("gen_ai.response.id", Said::Mark("chatcmpl-")),
        ("gen_ai.response.finish_reasons", Said::Words(&["stop"])),
        ("gen_ai.usage.input_tokens", Said::Int(1_240)),
        ("gen_ai.usage.output_tokens", Said::Int(212)),
        ("gen_ai.usage.cache_read.input_tokens", Said::Int(1_024)),
        ("gen_ai.request.temperature", Said::Double(0.2)),
        ("gen_ai.request.max_tokens", Said::Int(4_096)),
        ("server.address", Said::Word("api.openai.com")),
    ];
    [common(), own.to_vec()].concat()
}

fn tool() -> Vec<(&'static str, Said)> {
    let own = [
        ("gen_ai.operation.name", Said::Word("execute_tool")),
        ("gen_ai.tool.name", Said::Word("search_files")),
        ("gen_ai.tool.type", Said::Word("function")),
        ("gen_ai.tool.description", Said::Word("Searches the project's files for a pattern")),
        ("gen_ai.tool.call.id", Said::Mark("call_")),
        ("gen_ai.tool.call.arguments", Said::Word(r#"{"pattern":"fn main","path":"src"}"#)),
        ("gen_ai.agent.name", Said::Word("planner")),
        ("gen_ai.conversation.id", Said::Word("conv_5j66UpCpwteGg4YSxUnt7lPY")),
        ("tool.files_read", Said::Int(120)),
        ("tool.matches", Said::Int(3)),
        ("tool.truncated", Said::Bool(false)),
        ("tool.seconds", Said::Double(0.041)),
    ];
    [common(), own.to_vec()].concat()
}

fn http() -> Vec<(&'static str, Said)> {
    let own = [
        ("http.request.method", Said::Word("POST")),
        ("http.request.method_original", Said::Word("POST")),
        ("url.full", Said::Word("https://api.openai.com/v1/chat/completions")),
        ("url.scheme", Said::Word("https")),
        ("url.path", Said::Word("/v1/chat/completions")),
        ("server.address", Said::Word("api.openai.com")),
        ("server.port", Said::Int(443)),
        ("network.peer.address", Said::Word("162.159.140.245")),
        ("network.peer.port", Said::Int(443)),
        ("network.protocol.version", Said::Word("1.1")),
        ("user_agent.original", Said::Word("OpenAI/Python 2.54.0")),
        ("http.response.status_code", Said::Int(200)),
    ];
    [common(), own.to_vec()].concat()
}
