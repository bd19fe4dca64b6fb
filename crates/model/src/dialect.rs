//! What an exchange with a provider says: which dialect it speaks, its figures, and its conversation.
//!
//! Owns the public questions and the order in which they are answered. Each dialect's own shapes are in its file
//! below; framing is in `events`, assembling an answer in `answer`. Leaves out money (`pricing`).

use api::Operation;

use crate::pricing::{Sound, Units};

mod answer;
mod anthropic;
mod audio;
mod bedrock;
mod classify;
mod cohere;
mod content;
mod converse;
mod embeddings;
mod errors;
mod estimate;
mod events;
mod gemini;
mod gemini_live;
mod images;
mod json;
mod kept;
mod mistral;
mod multipart;
mod ollama;
mod openai_chat;
mod openai_realtime;
mod openai_responses;
mod pieces;
mod prompt;
mod timing;
mod title;
mod tools;

pub use classify::{WEBSOCKET, classify};
pub(crate) use content::{flat_text, part as content_part};
pub use errors::error_kind;
pub(crate) use errors::line as error_line;
pub(crate) use gemini::part as gemini_part;
pub(crate) use json::argument_text;
pub(crate) use prompt::response_item;
pub(crate) use title::{fold, without_reminders};
pub(crate) use tools::definitions as tool_definitions;

/// The shape of a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// OpenAI Chat Completions, spoken by most vendors.
    OpenaiChat,
    /// OpenAI Responses, also as Codex speaks it.
    OpenaiResponses,
    /// OpenAI's Realtime, a turn of its WebSocket.
    OpenaiRealtime,
    /// Legacy text completions, fill-in-the-middle and llama.cpp's own `/completion` and `/infill`.
    OpenaiCompletions,
    /// Embeddings, of OpenAI and of those who answer alike (Ollama, Cohere).
    OpenaiEmbeddings,
    /// Images made or changed; also Imagen's.
    Images,
    /// A text spoken, or speech written down or translated.
    Audio,
    /// Documents in order of how well they answer a query (Cohere, Jina, llama.cpp).
    Rerank,
    /// Whether a text is harmful.
    Moderation,
    /// Text read off documents (Mistral).
    Ocr,
    /// Mistral's agents and conversations.
    MistralConversations,
    /// Anthropic Messages.
    Anthropic,
    /// Anthropic's token count.
    AnthropicCountTokens,
    /// Other counts of tokens, and tokens themselves: `/responses/input_tokens`, `/tokenize`.
    CountTokens,
    /// Gemini generateContent and streamGenerateContent, also Vertex, Code Assist and Live.
    Gemini,
    /// Gemini's token count.
    GeminiCountTokens,
    /// Gemini embedContent and batchEmbedContents.
    GeminiEmbeddings,
    /// Ollama's `/api/chat`.
    OllamaChat,
    /// Ollama's `/api/generate`.
    OllamaGenerate,
    /// Cohere chat.
    CohereChat,
    /// Bedrock's Converse.
    Converse,
    /// A model on Bedrock in its maker's own shape, which only the answer tells. Anthropic's are [`Self::Anthropic`].
    BedrockInvoke,
    /// A list or description of models, or fetching one.
    Models,
    /// A batch handed in, looked at, or its results.
    Batches,
    /// Files kept with the provider.
    Files,
    /// What the provider keeps, read again: a response, a conversation, the figures of a generation.
    Stored,
    /// What tools do beside their calls of models: telemetry, analytics, looking whether somebody is there.
    SideCall,
    /// Anything else.
    Unknown,
}

impl Dialect {
    /// Every dialect.
    pub const ALL: [Self; 28] = [
        Self::OpenaiChat,
        Self::OpenaiResponses,
        Self::OpenaiCompletions,
        Self::OpenaiEmbeddings,
        Self::Images,
        Self::Audio,
        Self::Rerank,
        Self::Moderation,
        Self::Ocr,
        Self::MistralConversations,
        Self::Anthropic,
        Self::AnthropicCountTokens,
        Self::CountTokens,
        Self::Gemini,
        Self::GeminiCountTokens,
        Self::GeminiEmbeddings,
        Self::OllamaChat,
        Self::OllamaGenerate,
        Self::CohereChat,
        Self::Converse,
        Self::BedrockInvoke,
        Self::Models,
        Self::Batches,
        Self::Files,
        Self::Stored,
        Self::SideCall,
        Self::Unknown,
        Self::OpenaiRealtime,
    ];

    /// What a call in this dialect asks for.
    pub fn operation(self) -> Operation {
        match self {
            Self::OpenaiChat | Self::OpenaiResponses | Self::Anthropic | Self::Gemini => Operation::Chat,
            Self::OllamaChat | Self::CohereChat | Self::MistralConversations | Self::OpenaiRealtime => {
                Operation::Chat
            }
            Self::Converse | Self::BedrockInvoke => Operation::Chat,
            Self::OpenaiCompletions | Self::OllamaGenerate => Operation::TextCompletion,
            Self::OpenaiEmbeddings | Self::GeminiEmbeddings => Operation::Embeddings,
            Self::Images => Operation::Images,
            Self::Audio => Operation::Audio,
            Self::Rerank => Operation::Rerank,
            Self::Moderation => Operation::Moderation,
            Self::Ocr => Operation::Ocr,
            Self::AnthropicCountTokens | Self::GeminiCountTokens | Self::CountTokens => {
                Operation::CountTokens
            }
            Self::Models => Operation::Models,
            Self::Batches => Operation::Batches,
            Self::Files => Operation::Files,
            Self::Stored => Operation::Stored,
            Self::SideCall => Operation::SideCall,
            Self::Unknown => Operation::Other,
        }
    }

    fn is_gemini(self) -> bool {
        matches!(self, Self::Gemini | Self::GeminiCountTokens | Self::GeminiEmbeddings)
    }

    fn is_ollama(self) -> bool {
        matches!(self, Self::OllamaChat | Self::OllamaGenerate)
    }

    fn is_bedrocks(self) -> bool {
        matches!(self, Self::Converse | Self::BedrockInvoke)
    }

    /// What stands in such an answer happened before this call: its errors and its tokens are not this call's.
    fn tells_of_the_past(self) -> bool {
        matches!(self, Self::Batches | Self::Files | Self::Stored)
    }
}

/// One call's two bodies, content encodings undone, and what tells how to read them.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The shape, from [`classify`].
    pub dialect: Dialect,
    /// The provider's name.
    pub provider: &'a str,
    /// The upstream's path without its query.
    pub path: &'a str,
    /// The request's body.
    pub request: &'a [u8],
    /// As much of the answer's body as came.
    pub response: &'a [u8],
    /// The answer's status.
    pub status: Option<u16>,
    /// The answer's content type.
    pub content_type: Option<&'a str>,
    /// What the answer's headers say of it.
    pub by_headers: ByHeaders<'a>,
}

/// What Bedrock says of an answer in its headers and nowhere else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByHeaders<'a> {
    /// Tokens of input.
    pub input_tokens: Option<u64>,
    /// Tokens of output.
    pub output_tokens: Option<u64>,
    /// The name of the error.
    pub error: Option<&'a str>,
}

impl<'a> ByHeaders<'a> {
    /// Reads them; `header` gives a header's value.
    pub fn of(header: impl Fn(&str) -> Option<&'a str>) -> Self {
        let count = |name| header(name).and_then(|count| count.trim().parse().ok());
        // `ThrottlingException:http://internal.amazon.com/…`
        let error = header("x-amzn-errortype").and_then(|name| name.split(':').next());
        Self {
            input_tokens: count("x-amzn-bedrock-input-token-count"),
            output_tokens: count("x-amzn-bedrock-output-token-count"),
            error: error.map(str::trim).filter(|name| !name.is_empty()),
        }
    }
}

/// What an exchange says about itself, conversation aside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The model asked for.
    pub requested_model: Option<String>,
    /// The model that answered.
    pub model: Option<String>,
    /// The provider's id of the answer.
    pub response_id: Option<String>,
    /// Why the model stopped, in the provider's word; the first choice's.
    pub finish_reason: Option<String>,
    /// Tokens in exclusive buckets.
    pub usage: api::Usage,
    /// Those of the tokens that are sound.
    pub sound: Sound,
    /// The provider's final word on usage was seen.
    pub usage_final: bool,
    /// `usage` with what nobody said estimated from the text; `None` where there is nothing to estimate.
    pub estimated: Option<api::Usage>,
    /// The tokens of an earlier call that this one only reads again.
    pub read_again: Option<api::Usage>,
    /// The answer is not the end: the provider goes on in the background, and its tokens are told elsewhere.
    pub in_background: bool,
    /// The server's account of its own work.
    pub server: Option<api::ServerTiming>,
    /// The request asks for a stream.
    pub stream_requested: bool,
    /// The answer is a stream.
    pub streamed: bool,
    /// The answer ended as its dialect says it must: a terminal event, or one whole JSON document.
    pub complete: bool,
    /// One line, `<type or code>: <message>`, from an error body of any shape or an error event in a stream.
    pub error: Option<String>,
    /// The error came although the status promised success: in a stream that began well, in a response that failed.
    pub error_in_stream: bool,
    /// The provider's service tier, in its word.
    pub service_tier: Option<String>,
    /// What the provider says the call cost.
    pub provider_cost: Option<api::Money>,
    /// What is billed by the piece: searches, pages, pictures.
    pub units: Units,
    /// Where Anthropic ran the model.
    pub inference_geo: Option<String>,
    /// Anthropic's speed (`standard`, `fast`).
    pub speed: Option<String>,
    /// The last thing the user said: one line, whitespace folded, at most 120 characters.
    pub title: Option<String>,
    /// The offset in the answer just after the first event that carries model output; `None` unless streamed.
    pub first_token_at: Option<usize>,
    /// Frames of a Bedrock stream that could not be read.
    pub broken_frames: u64,
}

/// Reads an exchange's figures. Whatever cannot be read stays empty.
pub fn read(exchange: &Exchange<'_>) -> Reading {
    read_with_spoken(exchange).0
}

/// What was said in an exchange, as far as it tells conversations apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spoken {
    /// System prompts and messages, in order.
    pub messages: Vec<api::Message>,
    /// The names of the tools offered.
    pub tools: Vec<String>,
    /// The answer: one message for each choice.
    pub answer: Vec<api::Message>,
}

/// Reads an exchange's figures and what was said, both in one pass.
pub fn read_with_spoken(exchange: &Exchange<'_>) -> (Reading, Spoken) {
    let (request, _) = prompt::parse(exchange.dialect, exchange.request);
    let mut answer = events::assemble(exchange);
    let mut reading = std::mem::take(&mut answer.reading);
    reading.requested_model = requested_model(exchange.dialect, exchange.path, exchange.request);
    reading.stream_requested = prompt::stream_requested(exchange, &request);
    reading.title = title::title(exchange.dialect, &request);
    pieces::take_asked(exchange, &request, &mut reading);
    let answer = answer.into_messages().0;
    reading.estimated = estimate::usage(exchange, &reading, &request, &answer);
    // What is no conversation has nothing to tell apart, and may be large (a batch of texts to embed).
    if exchange.dialect.operation() != Operation::Chat {
        return (reading, Spoken { answer, ..Spoken::default() });
    }
    let messages = prompt::messages(exchange.dialect, &request);
    let tools = prompt::tool_names(exchange.dialect, &request);
    (reading, Spoken { messages, tools, answer })
}

/// Reads what was said: tools, system prompts and messages from the request, the answer assembled from its events.
/// What could not be read is noted.
pub fn conversation(exchange: &Exchange<'_>) -> api::Conversation {
    let mut conversation = prompt::conversation(exchange.dialect, exchange.request);
    let (answer, notes) = events::assemble(exchange).into_messages();
    conversation.answer = answer;
    conversation.notes.extend(notes);
    conversation
}

/// The model asked for, from the request alone. Cheap, and works on a request of which only the beginning is known.
pub fn requested_model(dialect: Dialect, path: &str, request: &[u8]) -> Option<String> {
    if dialect == Dialect::OpenaiRealtime {
        return openai_realtime::model(request);
    }
    let in_path = || classify::model_in_path(path);
    let in_body = || {
        let setup = crate::scanner::member(request, "setup").filter(|_| gemini_live::is_live(path));
        let named = crate::scanner::string_member(setup.unwrap_or(request), "model");
        named.or_else(|| multipart::text_field(request, "model")).filter(|model| !model.is_empty())
    };
    let model = if dialect.is_gemini() || dialect.is_bedrocks() || dialect == Dialect::Images {
        in_path().or_else(in_body)
    } else {
        in_body().or_else(in_path)
    }?;
    Some(model.strip_prefix("models/").map(str::to_owned).unwrap_or(model))
}

/// A request in pieces, without the members that only say how its answer is to come: what a client that asks again
/// sends unchanged. What is no JSON object is one piece; `None` when an object is cut.
pub fn apart_from_streaming(request: &[u8]) -> Option<Vec<&[u8]>> {
    if request.trim_ascii_start().first() != Some(&b'{') {
        return Some(vec![request]);
    }
    let mut pieces = Vec::new();
    for member in crate::scanner::members(request) {
        if !matches!(member.key, b"stream" | b"stream_options") {
            pieces.extend([member.key, member.value?]);
        }
    }
    Some(pieces)
}

#[cfg(test)]
mod tests;
