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

/// What `/api/traces/export` is asked for.
#[derive(Debug)]
pub(super) struct Export {
    pub(super) filter: CallFilter,
    pub(super) format: Option<String>,
    /// The bodies, too.
    pub(super) bodies: bool,
    /// At most so many calls.
    pub(super) limit: u64,
    pub(super) offset: u32,
}

/// Calls in a file, if nobody says how many.
const EXPORTED: u64 = 1_000;

/// Reads the query string of `/api/traces/export`: a file may be of any size, a page may not.
pub(super) fn export(query: &str) -> Result<Export, ApiError> {
    let mut asked =
        Export { filter: CallFilter::default(), format: None, bodies: true, limit: EXPORTED, offset: 0 };
    let mut rest = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "limit" => asked.limit = number(&name, &value, 1, u32::MAX)?.into(),
            "bodies" => asked.bodies = parsed(&name, &value, "true or false")?,
            "format" => asked.format = Some(value),
            _ => {
                rest.append_pair(&name, &value);
            }
        }
    }
    let (filter, page) = read(&rest.finish())?;
    Ok(Export { filter, offset: page.offset, ..asked })
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
    /// Where the page before ended: the last call and the last log record so far.
    pub(super) before: (Option<CallId>, Option<String>),
}

/// Reads the query string of `/api/timeline`.
pub(super) fn timeline(query: &str) -> Result<Timeline, ApiError> {
    let mut asked = Timeline {
        items: Items::Both,
        calls: CallFilter::default(),
        logs: LogFilter::default(),
        limit: 100,
        before: (None, None),
    };
    for (name, value) in pairs(query).filter(|(_, value)| !value.is_empty()) {
        match name.as_str() {
            "limit" => asked.limit = number(&name, &value, 1, LARGEST_PAGE)?,
            "type" => {
                asked.items = match value.as_str() {
                    "trace" => Items::Calls,
                    "log" => Items::Logs,
                    _ => return Err(ApiError::parameter(&name, "type must be trace or log.")),
                }
            }
            "q" => (asked.calls.text, asked.logs.text) = (Some(value.clone()), Some(value)),
            "tool" | "service_name" | "client" => {
                (asked.calls.client, asked.logs.service) = (Some(value.clone()), Some(value));
            }
            "date_from" => {
                let from = Some(moment(&name, &value)?);
                (asked.calls.from_ms, asked.logs.from_ms) = (from, from);
            }
            "date_to" => {
                let to = Some(moment(&name, &value)?);
                (asked.calls.to_ms, asked.logs.to_ms) = (to, to);
            }
            "before" => asked.before = place(&name, &value)?,
            _ => {}
        }
    }
    Ok(asked)
}

/// A place in the timeline: a call's id, a log record's, with a dot between; either may be missing.
fn place(name: &str, value: &str) -> Result<(Option<CallId>, Option<String>), ApiError> {
    let wanted = "that of the link to the next page";
    let (call, log) = value.split_once('.').unwrap_or((value, ""));
    let call = (!call.is_empty()).then(|| parsed(name, call, wanted)).transpose()?;
    Ok((call, (!log.is_empty()).then(|| log.to_owned())))
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
