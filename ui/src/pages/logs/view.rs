//! What the Logs page shows, as an address and back, and as it is typed: filter, time range, selected record. Pure.

use api::{LogFacets, LogFilter};

use crate::filter::suggestion::{self, Suggestion, Vocabulary};
use crate::filter::{Chip, Last, join, pairs};
use crate::format::severity;

/// A word that can stand before the colon, and what it filters by.
const FIELDS: [(&str, &str); 7] = [
    ("severity", "At least: debug, info, warn, error, fatal"),
    ("service", "Who reported it"),
    ("event", "The event's name"),
    ("time", "1h, today, 24h, 7d, 30d"),
    ("session", "Session id"),
    ("trace", "Trace id"),
    ("span", "Span id"),
];

/// Everything the address says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogView {
    /// Which records; its times are set only when they are absolute.
    pub filter: LogFilter,
    /// A moving stretch of time.
    pub last: Option<Last>,
    /// The selected record.
    pub log: Option<String>,
}

impl LogView {
    /// What cannot be read is left out.
    pub fn parse(query: &str) -> Self {
        let mut view = Self::default();
        for (key, value) in pairs(query) {
            match key.as_str() {
                "log" => view.log = Some(value),
                "text" => view.filter.text = Some(value),
                "from" => view.filter.from_ms = value.parse().ok(),
                "to" => view.filter.to_ms = value.parse().ok(),
                _ => {
                    view.set(&key, &value);
                }
            }
        }
        view
    }

    /// The page's address.
    pub fn address(&self) -> String {
        let mut pairs = self.fields();
        pairs.extend(self.filter.from_ms.map(|ms| ("from", ms.to_string())));
        pairs.extend(self.filter.to_ms.map(|ms| ("to", ms.to_string())));
        pairs.extend(self.log.clone().map(|id| ("log", id)));
        if pairs.is_empty() { "/logs".to_owned() } else { format!("/logs?{}", join(&pairs)) }
    }

    /// The filter with the moving stretch of time put at `now_ms`.
    pub fn filter_at(&self, now_ms: i64, offset: i32) -> LogFilter {
        let mut filter = self.filter.clone();
        if let Some(last) = self.last {
            (filter.from_ms, filter.to_ms) = (Some(last.start(now_ms, offset)), None);
        }
        filter
    }

    /// The same, only before `to_ms`.
    pub fn before(&self, to_ms: i64, now_ms: i64, offset: i32) -> Self {
        let filter = LogFilter { to_ms: Some(to_ms), ..self.filter_at(now_ms, offset) };
        Self { filter, last: None, ..self.clone() }
    }

    pub fn is_unfiltered(&self) -> bool {
        self.filter == LogFilter::default() && self.last.is_none()
    }

    /// Sets one condition; `false` when there is no such field or the value makes no sense.
    pub fn set(&mut self, field: &str, value: &str) -> bool {
        let filter = &mut self.filter;
        let text = Some(value.to_owned()).filter(|value| !value.is_empty());
        match field {
            "severity" => match severity::at_least(value) {
                Some(least) => filter.severity_min = Some(least),
                None => return false,
            },
            "time" => match Last::parse(value) {
                Some(last) => {
                    self.last = Some(last);
                    (filter.from_ms, filter.to_ms) = (None, None);
                }
                None => return false,
            },
            "service" => filter.service = text,
            "event" => filter.event = text,
            "session" => filter.session_id = text,
            "trace" => filter.trace_id = text,
            "span" => filter.span_id = text,
            _ => return false,
        }
        true
    }

    /// Adds what was typed: known `field:value` words become conditions, the rest is searched for as text.
    pub fn with_typed(&self, input: &str) -> Self {
        let mut view = self.clone();
        let mut words = Vec::new();
        let mut quoted = false;
        for word in input.split_whitespace() {
            // What stands in quotes is looked for, also when it looks like a condition.
            let inside = quoted || word.starts_with('"');
            quoted ^= word.matches('"').count() % 2 == 1;
            let understood = !inside
                && word
                    .split_once(':')
                    .is_some_and(|(field, value)| !value.is_empty() && view.set(field, value));
            if !understood {
                words.push(word);
            }
        }
        if !words.is_empty() {
            view.filter.text = Some(words.join(" "));
        }
        view
    }

    /// Each condition but absolute times, as its word and value.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let filter = &self.filter;
        let fields = [
            ("time", self.last.map(|last| last.word().to_owned())),
            ("severity", filter.severity_min.map(|least| severity::word(least).to_owned())),
            ("service", filter.service.clone()),
            ("event", filter.event.clone()),
            ("session", filter.session_id.clone()),
            ("trace", filter.trace_id.clone()),
            ("span", filter.span_id.clone()),
            ("text", filter.text.clone()),
        ];
        fields.into_iter().filter_map(|(field, value)| Some((field, value?))).collect()
    }

    /// The conditions as chips. `stamp` writes an absolute time.
    pub fn chips(&self, stamp: impl Fn(i64) -> String) -> Vec<Chip> {
        let chip = |(field, value): (&'static str, String)| match field {
            "text" => Chip { field, verb: "contains", value },
            "severity" => Chip { field, verb: "from", value },
            "time" => {
                let label = Last::parse(&value).map_or(value, |last| last.label().to_lowercase());
                Chip { field, verb: "is", value: label }
            }
            _ => Chip { field, verb: "is", value },
        };
        let mut chips: Vec<Chip> = self.fields().into_iter().map(chip).collect();
        chips.extend(self.filter.from_ms.map(|ms| Chip { field: "from", verb: "", value: stamp(ms) }));
        chips.extend(self.filter.to_ms.map(|ms| Chip { field: "until", verb: "", value: stamp(ms) }));
        chips
    }

    /// The view without the condition that a chip shows.
    pub fn without(&self, field: &str) -> Self {
        let mut view = Self { log: None, ..self.clone() };
        let filter = &mut view.filter;
        match field {
            "time" => view.last = None,
            "from" => filter.from_ms = None,
            "until" => filter.to_ms = None,
            "severity" => filter.severity_min = None,
            "service" => filter.service = None,
            "event" => filter.event = None,
            "session" => filter.session_id = None,
            "trace" => filter.trace_id = None,
            "span" => filter.span_id = None,
            "text" => filter.text = None,
            _ => {}
        }
        view
    }
}

/// Suggestions for what is typed, best first.
pub fn suggest(input: &str, facets: &LogFacets) -> Vec<Suggestion> {
    let values = |field: &str| match field {
        "service" => facets.services.clone(),
        "event" => facets.events.clone(),
        "severity" => severity::WORDS.map(|(_, word)| word.to_owned()).to_vec(),
        "time" => Last::ALL.map(|last| last.word().to_owned()).to_vec(),
        _ => Vec::new(),
    };
    let vocabulary =
        Vocabulary { fields: &FIELDS, loose: &["severity", "event", "service"], values: &values };
    suggestion::suggest(input, &vocabulary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_survives_the_round_trip() {
        let address = "/logs?time=24h&severity=warn&service=claude-code&event=api_request&session=s%201&trace=4bf92f3577b34da6a3ce929d0e0e4736&span=00f067aa0ba902b7&text=rate%20limit&from=1&to=2&log=00000000000000010000000000000002";
        let view = LogView::parse(address.trim_start_matches("/logs?"));
        assert_eq!(view.filter.severity_min, Some(13));
        assert_eq!(view.address(), address);
        assert_eq!(view.chips(|ms| ms.to_string()).len(), 10);
        assert_eq!(LogView::parse("severity=loud&time=ever&x=1"), LogView::default());
    }

    #[test]
    fn what_lies_before_a_moment_keeps_the_beginning() {
        let day = 86_400_000;
        let before = LogView::parse("time=24h&text=a").before(10 * day - 5, 10 * day, 0);
        assert_eq!(
            (before.filter.from_ms, before.filter.to_ms, before.last),
            (Some(9 * day), Some(10 * day - 5), None)
        );
        assert_eq!(before.filter.text.as_deref(), Some("a"));
    }

    #[test]
    fn each_chip_can_be_taken_away() {
        let mut view = LogView::parse(
            "time=1h&severity=error&service=a&event=b&session=c&trace=d&span=e&text=f&from=1&to=2",
        );
        for chip in view.chips(|ms| ms.to_string()) {
            let less = view.without(chip.field);
            assert_ne!(less, view, "removing {} changes something", chip.field);
            view = less;
        }
        assert!(view.is_unfiltered());
    }

    #[test]
    fn typed_words_become_conditions_and_the_rest_is_text() {
        let view = LogView::default().with_typed("severity:error http://x event:api_error refused");
        assert_eq!(view.filter.severity_min, Some(17));
        assert_eq!(view.filter.event.as_deref(), Some("api_error"));
        assert_eq!(view.filter.text.as_deref(), Some("http://x refused"));
        let facets =
            LogFacets { services: vec!["codex_cli_rs".into()], events: vec!["codex.api_request".into()] };
        let offered = suggest("codex", &facets);
        assert!(offered.contains(&Suggestion::Value { field: "event", value: "codex.api_request".into() }));
        assert!(offered.contains(&Suggestion::Value { field: "service", value: "codex_cli_rs".into() }));
    }
}
