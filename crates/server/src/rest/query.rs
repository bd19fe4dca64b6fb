//! The seed's query parameters as a filter and a page. A bad value is an error that names its parameter.

use api::{
    ApiError, CallFilter, CallId, LogFilter, MetricKind, Outcome, Page, PointFilter, SessionFilter,
    SessionRef,
};
use time::OffsetDateTime;
use time::format_description::well_known::{Iso8601, Rfc3339};

const PICO_PER_DOLLAR: f64 = 1e12;
const LARGEST_PAGE: u32 = 1_000;
const LARGEST_SESSIONS: u32 = 500;
const LONGEST_DAYS: u32 = 366;
const LONGEST_HOURLY_DAYS: u32 = 31;
const FARTHEST_TZ: i32 = 18 * 60;

/// Reads a query string. Unknown parameters are ignored, as clients add their own.
pub(super) fn read(query: &str) -> Result<(CallFilter, Page), ApiError> {
    let (mut filter, mut page) = (CallFilter::default(), Page::default());
    for (name, value) in pairs(query) {
        if value.is_empty() {
            continue;
        }
        match name.as_str() {
            "limit" => page.limit = number(&name, &value, 1, LARGEST_PAGE)?,
            "offset" => page.offset = number(&name, &value, 0, u32::MAX)?,
            "before" => page.before = Some(parsed(&name, &value, "the id of a trace")?),
            "model" => filter.model = Some(value),
            "provider" => filter.provider = Some(value),
            "service_name" | "client" | "tool" => filter.client = Some(value),
            "status" => filter.outcome = Some(outcome(&name, &value)?),
            "state" => filter.state = Some(parsed(&name, &value, "a state such as complete or cancelled")?),
            "operation" => filter.operation = Some(parsed(&name, &value, "an operation such as chat")?),
            "side_calls" => filter.side_calls = parsed(&name, &value, "true or false")?,
            "replays" => filter.replays = parsed(&name, &value, "true or false")?,
            "replay_of" => filter.replay_of = Some(parsed(&name, &value, "the id of a trace")?),
            "usage_source" if value == "estimated" => filter.estimated = Some(true),
            "q" => filter.text = Some(value),
            "date_from" => filter.from_ms = Some(moment(&name, &value)?),
            "date_to" => filter.to_ms = Some(moment(&name, &value)?),
            "cost_min" => filter.cost_min_pico = Some(dollars(&name, &value)?),
            "cost_max" => filter.cost_max_pico = Some(dollars(&name, &value)?),
            "tag" => filter.tag = Some(value),
            "session_id" => filter.session_id = Some(value),
            "session_key" => filter.session = Some(parsed(&name, &value, "a session's key")?),
            "trace_id" => filter.trace_id = Some(value),
            _ => {}
        }
    }
    Ok((filter, page))
}

/// Which recorded calls a command means.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chosen {
    /// Those that match.
    pub filter: CallFilter,
    /// Only this one.
    pub call: Option<CallId>,
}

/// The words of `llmflow delete` for parameters of `/api/traces`.
const WORDS: [(&str, &str); 2] = [("session", "session_id"), ("trace", "trace_id")];
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
    "session_key",
    "trace_id",
    "call",
];

/// Reads which calls a command means: the parameters of `/api/traces`, or `all`. Here a word that is not known is a
/// mistake.
pub fn chosen(text: &str) -> Result<Chosen, ApiError> {
    let text = text.trim().trim_start_matches('?');
    if text == "all" {
        return Ok(Chosen::default());
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut call = None;
    for (name, value) in pairs(text) {
        let word =
            WORDS.iter().find(|(word, _)| *word == name).map_or(name.as_str(), |(_, parameter)| parameter);
        if !CHOOSING.contains(&word) {
            let known = CHOOSING.join(", ");
            return Err(ApiError::parameter(
                &name,
                format!("{name:?} chooses no calls; these do: {known}, or all."),
            ));
        }
        if value.is_empty() {
            return Err(ApiError::parameter(&name, format!("{name} has no value.")));
        }
        match word {
            "call" => call = Some(parsed(&name, &value, "the id of a call")?),
            word => drop(query.append_pair(word, &value)),
        }
    }
    let query = query.finish();
    if query.is_empty() && call.is_none() {
        return Err(ApiError::parameter(
            "from",
            "Say which calls: for example model=gpt-4o&tag=demo, or all.",
        ));
    }
    Ok(Chosen { filter: read(&query)?.0, call })
}

/// Reads the query string of `/api/sessions`: which sessions, at most how many, and how many to skip.
pub(super) fn sessions(query: &str) -> Result<(SessionFilter, u32, u32), ApiError> {
    let (mut filter, mut limit, mut offset) = (SessionFilter::default(), 50, 0);
    for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "limit" => limit = number(&name, &value, 1, LARGEST_SESSIONS)?,
            "offset" => offset = number(&name, &value, 0, u32::MAX)?,
            "provider" => filter.provider = Some(value),
            "service_name" | "client" | "tool" => filter.client = Some(value),
            "q" => filter.text = Some(value),
            "date_from" => filter.from_ms = Some(moment(&name, &value)?),
            "date_to" => filter.to_ms = Some(moment(&name, &value)?),
            _ => {}
        }
    }
    Ok((filter, limit, offset))
}

/// Reads the query string of `/api/logs`: which records, at most how many, and how many to skip.
pub(super) fn logs(query: &str) -> Result<(LogFilter, u32, u32), ApiError> {
    let (mut filter, mut limit, mut offset) = (LogFilter::default(), 50, 0);
    for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "limit" => limit = number(&name, &value, 1, LARGEST_PAGE)?,
            "offset" => offset = number(&name, &value, 0, u32::MAX)?,
            "service_name" => filter.service = Some(value),
            "event_name" => filter.event = Some(value),
            "trace_id" => filter.trace_id = Some(value.replace('-', "")),
            "span_id" => filter.span_id = Some(value),
            "session_id" => filter.session_id = Some(value),
            "severity_min" => filter.severity_min = u8::try_from(number(&name, &value, 0, 24)?).ok(),
            "q" => filter.text = Some(value),
            "date_from" => filter.from_ms = Some(moment(&name, &value)?),
            "date_to" => filter.to_ms = Some(moment(&name, &value)?),
            _ => {}
        }
    }
    Ok((filter, limit, offset))
}

/// What `/api/metrics` is asked for.
#[derive(Debug)]
pub(super) struct Metrics {
    pub(super) filter: PointFilter,
    pub(super) limit: u32,
    pub(super) offset: u32,
    /// Metrics added up rather than points.
    pub(super) summary: bool,
}

/// Reads the query string of `/api/metrics`.
pub(super) fn metrics(query: &str) -> Result<Metrics, ApiError> {
    let mut asked = Metrics { filter: PointFilter::default(), limit: 50, offset: 0, summary: false };
    for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "limit" => asked.limit = number(&name, &value, 1, LARGEST_PAGE)?,
            "offset" => asked.offset = number(&name, &value, 0, u32::MAX)?,
            "name" => asked.filter.name = Some(value),
            "service_name" => asked.filter.service = Some(value),
            "metric_type" => asked.filter.kind = Some(kind(&name, &value)?),
            "aggregation" if value == "summary" => asked.summary = true,
            "date_from" => asked.filter.from_ms = Some(moment(&name, &value)?),
            "date_to" => asked.filter.to_ms = Some(moment(&name, &value)?),
            _ => {}
        }
    }
    Ok(asked)
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
    let mut asked = Analytics { days: usual_days, hourly: false, tz_minutes: 0 };
    for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "days" => asked.days = number(&name, &value, 1, LONGEST_DAYS)?,
            "interval" if value == "hour" => asked.hourly = true,
            "interval" if value == "day" => asked.hourly = false,
            "interval" => return Err(ApiError::parameter(&name, "interval must be hour or day.")),
            "tz" => {
                let minutes = value.parse().ok().filter(|minutes: &i32| minutes.abs() <= FARTHEST_TZ);
                let wanted = "tz must be whole minutes east of UTC, from -1080 to 1080.";
                asked.tz_minutes = minutes.ok_or_else(|| ApiError::parameter(&name, wanted))?;
            }
            _ => {}
        }
    }
    if asked.hourly && asked.days > LONGEST_HOURLY_DAYS {
        return Err(ApiError::parameter("days", "days must be at most 31 with interval=hour."));
    }
    Ok(asked)
}

fn kind(name: &str, value: &str) -> Result<MetricKind, ApiError> {
    let found = MetricKind::ALL.into_iter().find(|kind| kind.as_str() == value);
    found.ok_or_else(|| {
        let words = MetricKind::ALL.map(MetricKind::as_str).join(", ");
        ApiError::parameter(name, format!("{name} must be one of {words}."))
    })
}

/// The session that `/api/sessions/:id` means: `key` says which of several with one id.
pub(super) fn session(id: String, query: &str) -> Result<SessionRef, ApiError> {
    match pairs(query).find(|(name, value)| name == "key" && !value.is_empty()) {
        Some((name, value)) => parsed(&name, &value, "a session's key").map(SessionRef::Key),
        None => Ok(SessionRef::Id(id)),
    }
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned()
}

fn number(name: &str, value: &str, least: u32, most: u32) -> Result<u32, ApiError> {
    let number = value.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| {
        ApiError::parameter(name, format!("{name} must be a whole number from {least} to {most}."))
    })
}

fn parsed<T: std::str::FromStr>(name: &str, value: &str, wanted: &str) -> Result<T, ApiError> {
    value.parse().map_err(|_| ApiError::parameter(name, format!("{name} must be {wanted}.")))
}

fn outcome(name: &str, value: &str) -> Result<Outcome, ApiError> {
    match value {
        "success" => Ok(Outcome::Success),
        "error" => Ok(Outcome::Error),
        _ => Err(ApiError::parameter(name, format!("{name} must be success or error."))),
    }
}

/// Milliseconds since 1970, or an ISO 8601 date or time; a date alone is its midnight, in UTC.
fn moment(name: &str, value: &str) -> Result<i64, ApiError> {
    if let Ok(millis) = value.parse() {
        return Ok(millis);
    }
    let timed = OffsetDateTime::parse(value, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(value, &Iso8601::PARSING))
        .or_else(|_| {
            time::PrimitiveDateTime::parse(value, &Iso8601::PARSING).map(time::PrimitiveDateTime::assume_utc)
        })
        .or_else(|_| time::Date::parse(value, &Iso8601::DATE).map(|date| date.midnight().assume_utc()));
    let wanted =
        || ApiError::parameter(name, format!("{name} must be milliseconds since 1970 or an ISO 8601 time."));
    let time = timed.map_err(|_| wanted())?;
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).map_err(|_| wanted())
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn dollars(name: &str, value: &str) -> Result<i64, ApiError> {
    let amount = value.parse().ok().filter(|amount: &f64| amount.is_finite() && (0.0..9e6).contains(amount));
    let amount =
        amount.ok_or_else(|| ApiError::parameter(name, format!("{name} must be an amount in dollars.")))?;
    Ok((amount * PICO_PER_DOLLAR).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_filters_are_understood() {
        let query = "limit=20&offset=40&model=gpt-4o&status=error&q=two+words&date_from=2026-01-02&date_to=1767400000000\
            &provider=openai&cost_min=0.5&cost_max=1e0&tag=a%3Ab&x=y&session_id=";
        let (filter, page) = read(query).unwrap();
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
    fn a_command_chooses_calls_in_the_same_words() {
        let found = chosen("session=s+1&model=m&replays=true").unwrap();
        let filter = CallFilter {
            session_id: Some("s 1".into()),
            model: Some("m".into()),
            replays: true,
            ..CallFilter::default()
        };
        assert_eq!(found, Chosen { filter, call: None });
        let id = "0195e0e0-0000-7000-8000-000000000000";
        assert_eq!(chosen(&format!("call={id}")).unwrap().call, id.parse().ok());
        assert_eq!(chosen("all").unwrap(), Chosen::default());
        for (wrong, name) in [
            ("", "from"),
            ("modle=x", "modle"),
            ("model=", "model"),
            ("call=1", "call"),
            ("limit=5", "limit"),
        ] {
            assert_eq!(chosen(wrong).unwrap_err().parameter.as_deref(), Some(name), "{wrong}");
        }
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
            "replays=1",
            "replay_of=x",
        ] {
            let name = query.split('=').next().unwrap();
            assert_eq!(read(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["limit=501", "offset=x", "date_to=never"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(sessions(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["limit=0", "severity_min=25", "date_from=x"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(logs(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["limit=0", "metric_type=counter", "date_to=x"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(metrics(query).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        for query in ["days=0", "days=367", "interval=week", "tz=east", "tz=1081", "days=32&interval=hour"] {
            let name = query.split('=').next().unwrap();
            assert_eq!(analytics(query, 7).unwrap_err().parameter.as_deref(), Some(name), "{query}");
        }
        let asked = Analytics { days: 7, hourly: true, tz_minutes: -345 };
        assert_eq!(analytics("interval=hour&tz=-345", 7).unwrap(), asked);
        assert_eq!(session("s".into(), "key=x").unwrap_err().parameter.as_deref(), Some("key"));
        assert_eq!(read("date_to=2026-01-02T03:04:05.5%2B01:00").unwrap().0.to_ms, Some(1_767_319_445_500));
    }
}
