//! One translated call: which front and which target, and what of the request the answer needs. Leaves out what either
//! says (`chat`, `anthropic`, …) and the answer's way (`stream`).

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::chat::{self, Request, Writer};
use crate::delta::{Delta, Failure};
use crate::digits;
use crate::outgoing::Outgoing;
use crate::refusal::Refusal;
use crate::responses::{self, Echo};
use crate::stream::{Stream, Writing};
use crate::{anthropic, cohere, gemini};

/// Whose shape the client's request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
}

/// Whose shape the provider takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// Cohere's chat, version 2.
    Cohere,
}

/// Reads a provider's answer into deltas.
pub(crate) trait Reader: Send {
    /// Takes one event of a stream.
    fn event(&mut self, name: Option<&str>, data: &Value, out: &mut Vec<Delta>);
    /// Takes a whole answer.
    fn answer(&mut self, body: &Value, out: &mut Vec<Delta>);
    /// The provider's stream is over.
    fn end(&mut self, _out: &mut Vec<Delta>) {}
}

/// What of a request its answer needs.
#[derive(Clone, Debug)]
pub struct Answering {
    /// What a response repeats; `None` for a chat.
    echo: Option<Echo>,
    target: Target,
    model: String,
    stream: bool,
    include_usage: bool,
    answer_tool: Option<String>,
    one_call: bool,
}

/// Translates a request's body.
pub fn begin(front: Front, target: Target, body: &[u8]) -> Result<(Outgoing, Answering), Refusal> {
    let body = digits::read(body, digits::OF_REQUESTS)
        .map_err(|error| Refusal::new("", format!("The body is not JSON: {error}.")))?;
    let (request, echo) = match front {
        Front::Chat => (chat::parse(body)?, None),
        Front::Responses => responses::parse(body).map(|(request, echo)| (request, Some(echo)))?,
    };
    let outgoing = target.request(&request).map_err(|refusal| match front {
        Front::Chat => refusal,
        Front::Responses => responses::renamed(refusal),
    })?;
    let answering = Answering {
        echo,
        target,
        model: request.model,
        stream: request.stream,
        include_usage: request.include_usage,
        answer_tool: outgoing.answer_tool.clone(),
        one_call: outgoing.one_call,
    };
    Ok((outgoing, answering))
}

impl Target {
    fn request(self, request: &Request) -> Result<Outgoing, Refusal> {
        match self {
            Self::Anthropic => anthropic::request(request),
            Self::Gemini => gemini::request(request),
            Self::Cohere => cohere::request(request),
        }
    }

    fn failure(self, status: u16, body: &[u8]) -> Failure {
        match self {
            Self::Anthropic => anthropic::error(status, body),
            Self::Gemini => gemini::error(status, body),
            Self::Cohere => cohere::error(status, body),
        }
    }
}

impl Answering {
    /// Whether the client wants a stream.
    pub fn streams(&self) -> bool {
        self.stream
    }

    /// The answer as a stream, `created` at that many seconds since 1970.
    pub fn stream(&self, created: u64) -> Stream {
        let writer = match &self.echo {
            None => Writing::Chat(Writer::new(&self.model, self.include_usage, created)),
            Some(echo) => {
                let writer = responses::Writer::new(&self.model, echo.clone(), created);
                Writing::Responses(Box::new(writer))
            }
        };
        Stream::new(self.reader(), writer)
    }

    /// A whole answer, from the provider's body.
    pub fn whole(&self, body: &[u8], created: u64) -> Result<Vec<u8>, Failure> {
        let body = digits::read(body, digits::OF_ANSWERS)
            .map_err(|error| Failure::of_upstream(format!("The provider's answer is not JSON: {error}.")))?;
        let mut deltas = Vec::new();
        self.reader().answer(&body, &mut deltas);
        let answer = match &self.echo {
            None => chat::whole(deltas, &self.model, created)?,
            Some(echo) => responses::Writer::new(&self.model, echo.clone(), created).whole(deltas)?,
        };
        Ok(digits::text(&answer).into_bytes())
    }

    fn reader(&self) -> Box<dyn Reader> {
        match self.target {
            Target::Anthropic => Box::new(anthropic::Answer::new(self.answer_tool.clone())),
            Target::Gemini => Box::new(gemini::Answer::new(self.one_call)),
            Target::Cohere => Box::new(cohere::Answer::new(self.one_call)),
        }
    }

    /// When a provider wants to be asked again, in seconds, as far as its error's body says so.
    pub fn retry_after(&self, body: &[u8]) -> Option<u64> {
        match self.target {
            Target::Gemini => gemini::retry_after(body),
            Target::Anthropic | Target::Cohere => None,
        }
    }

    /// An error of the provider's, as OpenAI would say it.
    pub fn error(&self, status: u16, body: &[u8]) -> Vec<u8> {
        chat::error_body(&self.target.failure(status, body)).to_string().into_bytes()
    }
}
