//! What the Traces page shows, as an address and back: filter, time range, selected call.
//! Pure. Leaves out drawing the chips (`components::filter_field`) and typed filters (`typed`).

mod query;
pub mod suggestion;
pub mod typed;

pub use query::{join, pairs};

use api::{CallFilter, Operation, Outcome};

use crate::entry::EntryId;
use crate::format::time::day_start;

/// A stretch of time that moves with the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    Hour,
    Today,
    Day,
    Week,
    Month,
}

impl Last {
    pub const ALL: [Self; 5] = [Self::Hour, Self::Today, Self::Day, Self::Week, Self::Month];

    /// The word in the address and in `time:…`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Hour => "1h",
            Self::Today => "today",
            Self::Day => "24h",
            Self::Week => "7d",
            Self::Month => "30d",
        }
    }

    /// The words on the button.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::Today => "Today",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
        }
    }

    /// When it begins, at `now_ms` in a zone `offset` minutes east of UTC.
    pub fn start(self, now_ms: i64, offset: i32) -> i64 {
        const HOUR: i64 = 3_600_000;
        match self {
            Self::Hour => now_ms - HOUR,
            Self::Today => day_start(now_ms, offset),
            Self::Day => now_ms - 24 * HOUR,
            Self::Week => now_ms - 7 * 24 * HOUR,
            Self::Month => now_ms - 30 * 24 * HOUR,
        }
    }

    /// The one that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|last| last.word() == word)
    }
}

/// Everything the address of the Traces page says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct View {
    /// Which calls; its times are set only when they are absolute.
    pub filter: CallFilter,
    /// A moving stretch of time.
    pub last: Option<Last>,
    /// The selected row.
    pub selected: Option<EntryId>,
    /// What answers a search best comes first.
    pub best: bool,
}

/// One condition, as a chip shows it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Chip {
    pub field: &'static str,
    pub verb: &'static str,
    pub value: String,
}

impl View {
    /// The view that an address's query string says. What cannot be read is left out.
    pub fn parse(query: &str) -> Self {
        let mut view = Self::default();
        for (key, value) in query::pairs(query) {
            match key.as_str() {
                "selected" | "call" => view.selected = value.parse().ok(),
                "order" => view.best = value == "best",
                "from" => view.filter.from_ms = value.parse().ok(),
                "to" => view.filter.to_ms = value.parse().ok(),
                _ => {
                    view.set(&key, &value);
                }
            }
        }
        view
    }

    /// The query string, without `?`; empty when nothing is set.
    pub fn query(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        for (field, value) in self.fields() {
            pairs.push((field, value));
        }
        pairs.extend(self.filter.from_ms.map(|ms| ("from", ms.to_string())));
        pairs.extend(self.filter.to_ms.map(|ms| ("to", ms.to_string())));
        pairs.extend(self.best_first().then(|| ("order", "best".to_owned())));
        pairs.extend(self.selected.map(|id| ("selected", id.to_string())));
        query::join(&pairs)
    }

    /// The page's address.
    pub fn address(&self) -> String {
        match self.query() {
            query if query.is_empty() => "/traces".to_owned(),
            query => format!("/traces?{query}"),
        }
    }

    /// The filter with the moving stretch of time put at `now_ms`.
    pub fn filter_at(&self, now_ms: i64, offset: i32) -> CallFilter {
        let mut filter = self.filter.clone();
        if let Some(last) = self.last {
            filter.from_ms = Some(last.start(now_ms, offset));
            filter.to_ms = None;
        }
        // A page shows what is there, and asks again.
        filter.so_far = filter.text.is_some();
        filter
    }

    /// The same conditions without those that the tabs set.
    pub fn without_preset(&self) -> Self {
        let mut view = self.clone();
        view.selected = None;
        (view.filter.outcome, view.filter.unpriced) = (None, None);
        if view.side_calls_only() {
            view.filter.operation = None;
        }
        view
    }

    /// Whether it shows all calls.
    pub fn is_unfiltered(&self) -> bool {
        self.filter == CallFilter::default() && self.last.is_none()
    }

    /// Whether the best come first: only a search knows which those are.
    pub fn best_first(&self) -> bool {
        self.best && self.filter.text.is_some()
    }

    /// Only what tools do beside their calls of models?
    pub fn side_calls_only(&self) -> bool {
        self.filter.operation == Some(Operation::SideCall)
    }

    /// Only the failed ones?
    pub fn errors_only(&self) -> bool {
        self.filter.outcome == Some(Outcome::Error)
    }

    /// Each condition but absolute times, as its word and value.
    fn fields(&self) -> Vec<(&'static str, String)> {
        let filter = &self.filter;
        let mut fields = Vec::new();
        let mut add = |field, value: Option<String>| fields.extend(value.map(|value| (field, value)));
        add("time", self.last.map(|last| last.word().to_owned()));
        add("model", typed::named(filter.model.as_deref()));
        add("provider", filter.provider.clone());
        add("tool", typed::named(filter.client.as_deref()));
        add("outcome", filter.outcome.map(|outcome| typed::outcome_word(outcome).to_owned()));
        add("state", filter.state.map(|state| state.as_str().to_owned()));
        add("operation", filter.operation.map(|operation| operation.as_str().to_owned()));
        add("cost", typed::cost_text(filter.cost_min_pico, filter.cost_max_pico));
        add("price", filter.unpriced.map(|unknown| if unknown { "unknown" } else { "known" }.to_owned()));
        add(
            "priced",
            filter.not_fully_priced.map(|unsure| if unsure { "partly" } else { "fully" }.to_owned()),
        );
        add("usage", typed::usage_word(filter.partial, filter.estimated).map(str::to_owned));
        add("side", filter.side_calls.then(|| "shown".to_owned()));
        add("replays", filter.replays.then(|| "shown".to_owned()));
        add("status", filter.status.map(|status| status.to_string()));
        add("error", typed::named(filter.error_kind.as_deref()));
        add("bucket", filter.bucket.map(|bucket| bucket.as_str().to_owned()));
        add(
            "first_token",
            filter.first_token.map(|known| if known { "known" } else { "unknown" }.to_owned()),
        );
        add("body", filter.cut.map(|cut| if cut { "cut" } else { "whole" }.to_owned()));
        add("via", filter.proxied.map(|proxied| if proxied { "proxy" } else { "report" }.to_owned()));
        add("tag", typed::named(filter.tag.as_deref()));
        add("session", typed::named(filter.session_id.as_deref()));
        add("trace", filter.trace_id.clone());
        add("text", filter.text.clone());
        fields
    }

    /// The conditions as chips. `stamp` writes an absolute time.
    pub fn chips(&self, stamp: impl Fn(i64) -> String) -> Vec<Chip> {
        let mut chips: Vec<Chip> = self
            .fields()
            .into_iter()
            .map(|(field, value)| match field {
                "text" => Chip { field, verb: "contains", value },
                "price" if value == "unknown" => Chip { field, verb: "is", value: "unknown".to_owned() },
                "time" => {
                    let label = Last::parse(&value).map_or(value, |last| last.label().to_lowercase());
                    Chip { field, verb: "is", value: label }
                }
                _ => Chip { field, verb: "is", value },
            })
            .collect();
        chips.extend(self.filter.from_ms.map(|ms| Chip { field: "from", verb: "", value: stamp(ms) }));
        chips.extend(self.filter.to_ms.map(|ms| Chip { field: "until", verb: "", value: stamp(ms) }));
        chips
    }

    /// The view without the condition that a chip shows.
    pub fn without(&self, field: &str) -> Self {
        let mut view = self.clone();
        let filter = &mut view.filter;
        match field {
            "time" => view.last = None,
            "from" => filter.from_ms = None,
            "until" => filter.to_ms = None,
            "model" => filter.model = None,
            "provider" => filter.provider = None,
            "tool" => filter.client = None,
            "outcome" => filter.outcome = None,
            "state" => filter.state = None,
            "operation" => filter.operation = None,
            "cost" => (filter.cost_min_pico, filter.cost_max_pico) = (None, None),
            "price" => filter.unpriced = None,
            "priced" => filter.not_fully_priced = None,
            "usage" => (filter.partial, filter.estimated) = (None, None),
            "side" => filter.side_calls = false,
            "replays" => filter.replays = false,
            "status" => filter.status = None,
            "error" => filter.error_kind = None,
            "bucket" => filter.bucket = None,
            "first_token" => filter.first_token = None,
            "body" => filter.cut = None,
            "via" => filter.proxied = None,
            "tag" => filter.tag = None,
            "session" => filter.session_id = None,
            "trace" => filter.trace_id = None,
            "text" => filter.text = None,
            _ => {}
        }
        view
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01935a2b-6f4e-7d11-9a43-5b6c7d8e9f01";

    #[test]
    fn an_address_survives_the_round_trip() {
        let query = format!(
            "time=7d&model=claude-opus-4-5&tool=claude-code&outcome=error&cost=%3E0.5&price=unknown&tag=a%26b&text=flaky%20tests&selected={ID}"
        );
        let view = View::parse(&query);
        assert_eq!(view.filter.model.as_deref(), Some("claude-opus-4-5"));
        assert_eq!(view.filter.text.as_deref(), Some("flaky tests"));
        assert_eq!(view.filter.tag.as_deref(), Some("a&b"));
        assert_eq!(view.filter.cost_min_pico, Some(500_000_000_000));
        assert_eq!(view.last, Some(Last::Week));
        assert_eq!(view.query(), query);
    }

    #[test]
    fn only_a_search_has_its_best_first() {
        assert_eq!(View::parse("text=a&order=best").query(), "text=a&order=best");
        assert_eq!(View::parse("text=a&order=best").without("text").query(), "");
    }

    #[test]
    fn what_cannot_be_read_is_left_out() {
        let view = View::parse("outcome=perhaps&call=7&from=never&nonsense=1&model=");
        assert_eq!(view, View::default());
        assert_eq!(view.address(), "/traces");
    }

    #[test]
    fn calls_without_a_tool_can_be_asked_for() {
        let view = View::parse("tool=none&error=none");
        assert_eq!(view.filter.client.as_deref(), Some(""));
        assert_eq!(view.filter.error_kind.as_deref(), Some(""));
        assert_eq!(view.query(), "tool=none&error=none");
    }

    #[test]
    fn moving_times_become_absolute_only_when_asked() {
        let view = View { last: Some(Last::Hour), ..View::default() };
        assert_eq!(view.filter.from_ms, None);
        assert_eq!(view.filter_at(10_000_000, 0).from_ms, Some(6_400_000));
    }

    #[test]
    fn each_chip_can_be_taken_away() {
        let mut view = View::parse(
            "time=1h&model=m&provider=p&tool=c&outcome=error&state=lost&operation=chat&cost=1..2&price=unknown&priced=partly&usage=partial&side=shown&status=529&error=e&bucket=output&first_token=known&body=cut&via=report&tag=t&session=s&trace=r&text=w&from=1&to=2",
        );
        let chips = view.chips(|ms| ms.to_string());
        assert_eq!(chips.len(), 24);
        for chip in chips {
            let less = view.without(chip.field);
            assert_ne!(less, view, "removing {} changes something", chip.field);
            view = less;
        }
        assert!(view.is_unfiltered());
    }
}
