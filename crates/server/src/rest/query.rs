//! The seed's query parameters as filters and pages. A bad value is an error that names its parameter.
//! Leaves out how a value is written (`parameters`), and the way to the next page (`paging`).

mod chosen;
mod parameters;

use api::{
    ApiError, CallFilter, CallId, CallState, LogFilter, MetricKind, Operation, Outcome, Page, PointFilter,
    SearchOrder, SessionFilter, SessionRef, SessionsCursor,
};

pub use chosen::{Chosen, chosen};
use parameters::Parameters;

const LARGEST_PAGE: u32 = 1_000;
const LARGEST_SEARCH: u32 = 200;
const LARGEST_SESSIONS: u32 = 500;
const LARGEST_PRICES: u32 = 500;
const LONGEST_DAYS: u32 = 366;
const LONGEST_HOURLY_DAYS: u32 = 31;
const FARTHEST_TZ: i32 = 18 * 60;
/// Rows of a page, unless it is said how many.
const USUAL_PAGE: u32 = 50;
const USUAL_TIMELINE: u32 = 100;
/// Calls in a file, unless it is said how many.
const EXPORTED: u32 = 1_000;
const CLIENT: [&str; 3] = ["service_name", "client", "tool"];
const SESSION: [&str; 2] = ["session_id", "conversation_id"];
/// The parameters that choose calls.
const CHOOSING: [&str; 22] = [
    "model",
    "provider",
    "service_name",
    "client",
    "tool",
    "status",
    "state",
    "operation",
    "side_calls",
    "replays",
    "replay_of",
    "usage_source",
    "q",
    "date_from",
    "date_to",
    "cost_min",
    "cost_max",
    "tag",
    "session_id",
    "conversation_id",
    "session_key",
    "trace_id",
];
/// Those that say how they stand in a file.
const OF_A_FILE: [&str; 4] = ["format", "bodies", "limit", "offset"];
const OUTCOMES: [(&str, Outcome); 2] = [("success", Outcome::Success), ("error", Outcome::Error)];
const ORDERS: [(&str, SearchOrder); 2] = [("newest", SearchOrder::Newest), ("best", SearchOrder::Best)];

/// Which rows of a list: at most `limit`, without the first `offset`, behind the place `before`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<T> {
    pub(super) limit: u32,
    pub(super) offset: u32,
    pub(super) before: Option<T>,
}

impl<T: std::str::FromStr> Part<T> {
    fn read(said: &Parameters<'_>, most: u32, wanted: &str) -> Result<Self, ApiError> {
        Ok(Self {
            limit: said.number("limit", 1, most)?.unwrap_or(USUAL_PAGE.min(most)),
            offset: said.number("offset", 0, u32::MAX)?.unwrap_or(0),
            before: said.value("before", wanted, |text| text.parse().ok())?,
        })
    }
}

/// Which calls.
pub(super) fn calls(query: &str) -> Result<CallFilter, ApiError> {
    filter(&Parameters::of(query))
}

/// Which calls, and which part of them.
pub(super) fn page_of_calls(query: &str) -> Result<(CallFilter, Page), ApiError> {
    let said = Parameters::of(query);
    let Part { limit, offset, before } = Part::read(&said, LARGEST_PAGE, "the id of a trace")?;
    Ok((filter(&said)?, Page { limit, offset, before }))
}

fn filter(said: &Parameters<'_>) -> Result<CallFilter, ApiError> {
    let (from_ms, to_ms) = said.times()?;
    let state = "a state such as complete or cancelled";
    let operation = "an operation such as chat";
    Ok(CallFilter {
        model: said.text("model")?,
        provider: said.text("provider")?,
        client: said.text_of_any(&CLIENT)?,
        outcome: said.word("status", &OUTCOMES)?,
        state: said.value("state", state, |text| text.parse::<CallState>().ok())?,
        operation: said.value("operation", operation, |text| text.parse::<Operation>().ok())?,
        side_calls: said.truth("side_calls")?.unwrap_or(false),
        replays: said.truth("replays")?.unwrap_or(false),
        replay_of: said.value("replay_of", "the id of a trace", |text| text.parse().ok())?,
        estimated: said.word("usage_source", &[("estimated", true)])?,
        text: said.text("q")?,
        from_ms,
        to_ms,
        cost_min_pico: said.dollars("cost_min")?,
        cost_max_pico: said.dollars("cost_max")?,
        tag: said.text("tag")?,
        session_id: said.text_of_any(&SESSION)?,
        session: said.value("session_key", "a session's key", |text| text.parse().ok())?,
        trace_id: said.text("trace_id")?,
        ..CallFilter::default()
    })
}

/// What `/api/search` is asked for.
pub(super) fn search(query: &str) -> Result<(CallFilter, SearchOrder, Part<CallId>), ApiError> {
    let said = Parameters::of(query);
    let part: Part<CallId> = Part::read(&said, LARGEST_SEARCH, "the id of a trace")?;
    let order = said.word("order", &ORDERS)?.unwrap_or_default();
    if order == SearchOrder::Best && part.before.is_some() {
        return Err(ApiError::parameter(
            "before",
            "before goes with order=newest; with order=best give offset.",
        ));
    }
    Ok((filter(&said)?, order, part))
}

/// How calls stand in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Lines,
    Csv,
}

/// What `/api/traces/export` is asked for.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) filter: CallFilter,
    /// What it was read from, by name.
    pub(super) filters: Vec<(&'static str, String)>,
    pub(super) format: Format,
    /// The bodies, too.
    pub(super) bodies: bool,
    /// At most so many calls.
    pub(super) limit: u64,
    pub(super) offset: u32,
}

/// Reads the query string of `/api/traces/export`: a file may be of any size, a page may not. A name that nobody knows is
/// refused: who reads the file later would take what is in it for what was meant.
pub(super) fn export(query: &str) -> Result<Export, ApiError> {
    let said = Parameters::of(query);
    let formats =
        [("json", Format::Json), ("jsonl", Format::Lines), ("ndjson", Format::Lines), ("csv", Format::Csv)];
    let given = CHOOSING.into_iter().map(|name| Ok(said.text(name)?.map(|text| (name, text))));
    let filters = given.filter_map(Result::transpose).collect::<Result<_, ApiError>>()?;
    let asked = Export {
        filter: filter(&said)?,
        filters,
        format: said.word("format", &formats)?.unwrap_or(Format::Json),
        bodies: said.truth("bodies")?.unwrap_or(true),
        limit: said.number("limit", 1, u32::MAX)?.unwrap_or(EXPORTED).into(),
        offset: said.number("offset", 0, u32::MAX)?.unwrap_or(0),
    };
    let known = |name: &str| CHOOSING.contains(&name) || OF_A_FILE.contains(&name);
    if let Some(name) = said.names().find(|name| !known(name)) {
        let (choosing, of_a_file) = (CHOOSING.join(", "), OF_A_FILE.join(", "));
        let error = format!("{name:?} is no filter of a file; these are: {choosing}, {of_a_file}.");
        return Err(ApiError::parameter(name, error));
    }
    Ok(asked)
}

/// Which items of `/api/timeline` are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Items {
    Calls,
    Logs,
    Both,
}

/// What `/api/timeline` is asked for.
#[derive(Debug)]
pub(super) struct Timeline {
    pub(super) items: Items,
    pub(super) calls: CallFilter,
    pub(super) logs: LogFilter,
    pub(super) limit: u32,
    pub(super) before: Place,
}

/// Where a page of the timeline ended: the last call and the last log record so far, with a dot between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) call: Option<CallId>,
    pub(super) log: Option<String>,
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        let (call, log) = text.split_once('.')?;
        let is_log = log.len() == 32 && log.bytes().all(|byte| byte.is_ascii_hexdigit());
        (log.is_empty() || is_log).then_some(())?;
        let call = if call.is_empty() { None } else { Some(call.parse().ok()?) };
        Some(Self { call, log: is_log.then(|| log.to_owned()) })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let call = self.call.map(|call| call.to_string()).unwrap_or_default();
        write!(f, "{call}.{}", self.log.as_deref().unwrap_or_default())
    }
}

/// Reads the query string of `/api/timeline`.
pub(super) fn timeline(query: &str) -> Result<Timeline, ApiError> {
    let said = Parameters::of(query);
    let (from_ms, to_ms) = said.times()?;
    let (text, tool) = (said.text("q")?, said.text_of_any(&CLIENT)?);
    let kinds = [("trace", Items::Calls), ("log", Items::Logs)];
    Ok(Timeline {
        items: said.word("type", &kinds)?.unwrap_or(Items::Both),
        calls: CallFilter {
            text: text.clone(),
            client: tool.clone(),
            from_ms,
            to_ms,
            ..CallFilter::default()
        },
        logs: LogFilter { text, service: tool, from_ms, to_ms, ..LogFilter::default() },
        limit: said.number("limit", 1, LARGEST_PAGE)?.unwrap_or(USUAL_TIMELINE),
        before: said.value("before", "that of the link to the next page", Place::read)?.unwrap_or_default(),
    })
}

/// Which sessions, and which part of them.
pub(super) fn sessions(query: &str) -> Result<(SessionFilter, Part<SessionsCursor>), ApiError> {
    let said = Parameters::of(query);
    let (from_ms, to_ms) = said.times()?;
    let filter = SessionFilter {
        provider: said.text("provider")?,
        client: said.text_of_any(&CLIENT)?,
        text: said.text("q")?,
        from_ms,
        to_ms,
    };
    let place = "a session's last_seen and session_key with a dash between";
    Ok((filter, Part::read(&said, LARGEST_SESSIONS, place)?))
}

/// Which log records, and which part of them.
pub(super) fn logs(query: &str) -> Result<(LogFilter, Part<String>), ApiError> {
    let said = Parameters::of(query);
    let (from_ms, to_ms) = said.times()?;
    let severity = said.number("severity_min", 0, 24)?;
    let filter = LogFilter {
        service: said.text("service_name")?,
        event: said.text("event_name")?,
        trace_id: said.text("trace_id")?.map(|id| id.replace('-', "")),
        span_id: said.text("span_id")?,
        session_id: said.text_of_any(&SESSION)?,
        severity_min: severity.and_then(|severity| u8::try_from(severity).ok()),
        text: said.text("q")?,
        from_ms,
        to_ms,
    };
    Ok((filter, Part::read(&said, LARGEST_PAGE, "the id of a log record")?))
}

/// What `/api/metrics` is asked for.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) filter: PointFilter,
    pub(super) part: Part<String>,
    /// Metrics added up rather than points.
    pub(super) summary: bool,
}

/// Reads the query string of `/api/metrics`.
pub(super) fn metrics(query: &str) -> Result<Metrics, ApiError> {
    let said = Parameters::of(query);
    Ok(Metrics {
        filter: points(&said)?,
        part: Part::read(&said, LARGEST_PAGE, "the id of a point")?,
        summary: said.word("aggregation", &[("summary", true)])?.unwrap_or(false),
    })
}

/// Which metrics are added up.
pub(super) fn metric_summary(query: &str) -> Result<PointFilter, ApiError> {
    points(&Parameters::of(query))
}

fn points(said: &Parameters<'_>) -> Result<PointFilter, ApiError> {
    let (from_ms, to_ms) = said.times()?;
    let kinds = MetricKind::ALL.map(|kind| (kind.as_str(), kind));
    Ok(PointFilter {
        name: said.text("name")?,
        service: said.text("service_name")?,
        kind: said.word("metric_type", &kinds)?,
        from_ms,
        to_ms,
    })
}

/// Since when models are told of, and whether only by name.
pub(super) fn models(query: &str) -> Result<(Option<i64>, bool), ApiError> {
    let said = Parameters::of(query);
    Ok((said.moment("date_from")?, said.truth("names")?.unwrap_or(false)))
}

/// What is looked for in the price table, and which part of what is found.
pub(super) fn prices(query: &str) -> Result<(String, u32, u32), ApiError> {
    let said = Parameters::of(query);
    let limit = said.number("limit", 1, LARGEST_PRICES)?.unwrap_or(USUAL_PAGE);
    let offset = said.number("offset", 0, u32::MAX)?.unwrap_or(0);
    Ok((said.text("q")?.unwrap_or_default(), limit, offset))
}

/// What `/api/analytics` is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Analytics {
    pub(super) days: u32,
    pub(super) hourly: bool,
    pub(super) tz_minutes: i32,
}

/// Reads the query strings of `/api/analytics` and `/api/completeness`.
pub(super) fn analytics(query: &str, usual_days: u32) -> Result<Analytics, ApiError> {
    let said = Parameters::of(query);
    let zone = "whole minutes east of UTC, from -1080 to 1080";
    let near = |minutes: &i32| (-FARTHEST_TZ..=FARTHEST_TZ).contains(minutes);
    let asked = Analytics {
        days: said.number("days", 1, LONGEST_DAYS)?.unwrap_or(usual_days),
        hourly: said.word("interval", &[("hour", true), ("day", false)])?.unwrap_or(false),
        tz_minutes: said.value("tz", zone, |text| text.parse().ok().filter(near))?.unwrap_or(0),
    };
    if asked.hourly && asked.days > LONGEST_HOURLY_DAYS {
        return Err(ApiError::parameter("days", "days must be at most 31 with interval=hour."));
    }
    Ok(asked)
}

/// The session that `/api/sessions/:id` means: `key` says which of several with one id.
pub(super) fn session(id: String, query: &str) -> Result<SessionRef, ApiError> {
    let key = Parameters::of(query).value("key", "a session's key", |text| text.parse().ok())?;
    Ok(key.map_or(SessionRef::Id(id), SessionRef::Key))
}

/// What `/api/health` is to prove itself by.
pub(super) fn challenge(query: &str) -> Result<Option<String>, ApiError> {
    Parameters::of(query).text("challenge")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_filters_are_understood() {
        let query = "limit=20&offset=40&model=gpt-4o&status=error&q=two+words&date_from=2026-01-02&date_to=1767400000000\
            &provider=openai&cost_min=0.5&cost_max=1e0&tag=a%3Ab&x=y&session_id=";
        let (filter, page) = page_of_calls(query).unwrap();
        assert_eq!((page.limit, page.offset), (20, 40));
        let expected = CallFilter {
            model: Some("gpt-4o".into()),
            outcome: Some(Outcome::Error),
            text: Some("two words".into()),
            from_ms: Some(1_767_312_000_000),
            to_ms: Some(1_767_400_000_000),
            provider: Some("openai".into()),
            cost_min_pico: Some(500_000_000_000),
            cost_max_pico: Some(1_000_000_000_000),
            tag: Some("a:b".into()),
            ..CallFilter::default()
        };
        assert_eq!(filter, expected);
    }

    #[test]
    fn a_conversation_is_a_session() {
        let (filter, _) = page_of_calls("conversation_id=s-1").unwrap();
        assert_eq!(filter.session_id.as_deref(), Some("s-1"));
        let both = page_of_calls("session_id=s-1&conversation_id=s-1").unwrap_err();
        assert_eq!(both.parameter.as_deref(), Some("conversation_id"), "they mean the same");
        let file = export("format=csv&conversation_id=s+1&q=&limit=3").unwrap();
        assert_eq!(file.filter.session_id.as_deref(), Some("s 1"));
        assert_eq!(file.filters, [("conversation_id", "s 1".to_owned())]);
    }

    #[test]
    fn bad_values_name_their_parameter() {
        for query in [
            "limit=0",
            "limit=1001",
            "offset=-1",
            "status=fine",
            "date_from=yesterday",
            "cost_min=NaN",
            "cost_max=-1",
            "before=x",
            "state=?",
            "session_key=s-1",
            "usage_source=partial",
            "side_calls=yes",
            "limit=+1",
            "replays=1",
            "replay_of=x",
        ] {
            let name = query.split('=').next().unwrap();
            assert_eq!(page_of_calls(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["limit=501", "offset=x", "date_to=never", "before=17"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(sessions(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["limit=0", "severity_min=25", "date_from=x"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(logs(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["limit=0", "metric_type=counter", "date_to=x", "aggregation=mean"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(metrics(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["days=0", "days=367", "interval=week", "tz=east", "tz=1081", "days=32&interval=hour"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(analytics(query, 7).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["conversation=x&model=m", "before=x", "=1", "cost_max=x&before=y"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(export(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        let asked = Analytics { days: 7, hourly: true, tz_minutes: -345 };
        assert_eq!(analytics("interval=hour&tz=-345", 7).unwrap(), asked);
        assert_eq!(session("s".into(), "key=x").unwrap_err().parameter.as_deref(), Some("key"));
        assert_eq!(
            page_of_calls("date_to=2026-01-02T03:04:05.5%2B01:00").unwrap().0.to_ms,
            Some(1_767_319_445_500)
        );
    }
}
