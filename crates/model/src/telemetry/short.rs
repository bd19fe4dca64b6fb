//! Names and ids of any length as rows and lists keep them: those that are short as they are, of others the beginning and
//! a digest of the whole, so that two that differ stay two.

use std::borrow::Cow;
use std::fmt::Write;

use super::reading::{LogReading, ReportedCall, SpanReading, ToolRun, Whose};

/// Bytes of the longest.
pub const LONGEST_ID: usize = 255;
/// Of one that is cut: the digest after its beginning, in hexadecimal digits.
const DIGEST: usize = 16;

/// Of one that is longer than twice this, the digest is of this much of its beginning and its end, and of its length: an
/// id of a megabyte that every span names costs no more than another.
const DIGESTED: usize = 4 << 10;

/// `text`, cut where it is too long to stand in a row, a filter and an address.
pub fn short_id(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST_ID {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(LONGEST_ID - DIGEST - "…".len());
    let mut short = text.get(..end).unwrap_or_default().to_owned();
    short.push('…');
    for byte in digest(text.as_bytes()).as_bytes().iter().take(DIGEST / 2) {
        // Writing into a text cannot fail.
        let _written = write!(short, "{byte:02x}");
    }
    Cow::Owned(short)
}

fn digest(bytes: &[u8]) -> blake3::Hash {
    match (bytes.first_chunk::<DIGESTED>(), bytes.last_chunk::<DIGESTED>()) {
        (Some(first), Some(last)) if bytes.len() > 2 * DIGESTED => {
            let mut hasher = blake3::Hasher::new();
            hasher.update(first).update(last).update(&bytes.len().to_le_bytes());
            hasher.finalize()
        }
        _ => blake3::hash(bytes),
    }
}

fn shorten(field: &mut Option<String>) {
    if let Some(text) = field
        && text.len() > LONGEST_ID
    {
        *text = short_id(text).into_owned();
    }
}

impl Whose {
    /// Long names and ids cut.
    pub(super) fn shortened(mut self) -> Self {
        let Self { service, client, session, conversation, prompt, user, agent, agent_parent, agent_name } =
            &mut self;
        for field in [service, client, session, conversation, prompt, user, agent, agent_parent, agent_name] {
            shorten(field);
        }
        self
    }
}

/// Ids by which reports of one call are found stay whole: no list shows them.
fn call(call: &mut ReportedCall) {
    let ReportedCall { provider, requested_model, model, finish_reason, service_tier, .. } = call;
    for field in [provider, requested_model, model, finish_reason, service_tier] {
        shorten(field);
    }
}

fn tool(run: &mut ToolRun) {
    shorten(&mut run.name);
    shorten(&mut run.call_id);
}

impl SpanReading {
    pub(super) fn shortened(mut self) -> Self {
        self.whose = self.whose.shortened();
        self.call.iter_mut().for_each(call);
        self.tool.iter_mut().for_each(tool);
        self
    }
}

impl LogReading {
    pub(super) fn shortened(mut self) -> Self {
        self.whose = self.whose.shortened();
        self.call.iter_mut().for_each(call);
        self.tool.iter_mut().for_each(tool);
        shorten(&mut self.event);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{Attributes, LogRecord, Origin, Span, Value};
    use super::super::{read_log, read_span};
    use super::*;

    #[test]
    fn long_ids_are_cut_between_characters_and_stay_two() {
        let most = "ä".repeat(LONGEST_ID / 2);
        assert_eq!(short_id(&most), most);
        let (one, other) = (format!("{}one", "ä".repeat(500)), format!("x{}other", "ä".repeat(500)));
        let cut = [&one, &other].map(|text| short_id(text).into_owned());
        assert!(cut.iter().all(|cut| cut.len() <= LONGEST_ID && cut.contains("ä…")), "{cut:?}");
        let (same, beginning) = (short_id(&one), format!("{}two", "ä".repeat(500)));
        assert_eq!(cut[0], same);
        assert_ne!(short_id(&beginning), same, "their digests differ");
        assert_eq!(short_id(&same), same, "what was cut is not cut again");
        let [long, longer] = [100_000, 100_001].map(|length| "x".repeat(length));
        assert_ne!(short_id(&long), short_id(&longer));
    }

    #[test]
    fn whatever_a_report_names_is_short_in_what_it_means() {
        let long = |beginning: &str| format!("{beginning}{}", "x".repeat(1 << 20));
        let text = |key: &str, value: &str| (key.to_owned(), Value::Text(value.to_owned()));
        let mut origin = Origin::default();
        origin.resource.attributes = Attributes(vec![text("service.name", &long("service"))]);
        let names = ["session.id", "user.id", "prompt.id", "gen_ai.agent.id", "gen_ai.agent.name"];
        let more =
            ["gen_ai.request.model", "gen_ai.response.model", "gen_ai.tool.name", "gen_ai.tool.call.id"];
        for operation in ["chat", "execute_tool"] {
            let mut attributes = vec![text("gen_ai.operation.name", operation)];
            attributes.extend(names.iter().chain(&more).map(|name| text(name, &long(name))));
            let span = Span { attributes: Attributes(attributes.clone()), ..Span::default() };
            let SpanReading { whose, call, tool, .. } = read_span(&span, &origin);
            let call = call.unwrap_or_default();
            let tool = tool.unwrap_or_default();
            let said = [whose.service, whose.client, whose.session, whose.user, whose.prompt];
            let said = said.into_iter().chain([whose.agent, whose.agent_name, call.model, tool.call_id]);
            let said: Vec<String> = said.chain([call.requested_model, tool.name]).flatten().collect();
            assert!(said.len() >= 9, "{operation} {said:?}");
            assert!(said.iter().all(|said| said.len() <= LONGEST_ID), "{said:?}");
            let record = LogRecord { attributes: Attributes(attributes), ..LogRecord::default() };
            let whose = read_log(&record, &origin).whose;
            for said in [whose.service, whose.client, whose.session, whose.prompt, whose.agent] {
                assert!(said.is_some_and(|said| said.len() <= LONGEST_ID));
            }
        }
    }
}
