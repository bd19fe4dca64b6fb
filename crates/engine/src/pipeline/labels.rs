//! What a client's headers say of a call for whoever looks for it later: its trace and its tags. Pure.

use api::Header;

use super::record::find;

/// The client's trace and parent span: LLMFlow's headers, else W3C's.
pub(super) fn trace(headers: &[Header]) -> (Option<String>, Option<String>) {
    let own = |name| find(headers, name).map(str::to_owned);
    let w3c = find(headers, "traceparent").and_then(w3c);
    let (trace, parent) = w3c.map_or((None, None), |(trace, parent)| (Some(trace), Some(parent)));
    let owned = |id: Option<&str>| id.map(str::to_owned);
    (own("x-trace-id").or_else(|| owned(trace)), own("x-parent-id").or_else(|| owned(parent)))
}

/// The trace and the parent of a `traceparent`. One that breaks W3C's rules counts as none at all.
fn w3c(value: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = value.trim().split('-').collect();
    let [version, trace, parent, flags, ref rest @ ..] = parts[..] else { return None };
    let is_hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_id = |part: &str, length| is_hex(part, length) && part.bytes().any(|byte| byte != b'0');
    // Later versions may say more behind the flags.
    let known = is_hex(version, 2) && version != "ff" && (version != "00" || rest.is_empty());
    (known && is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2)).then_some((trace, parent))
}

/// The tags a call was given, its project among them, each once.
pub(super) fn tags(headers: &[Header]) -> Vec<String> {
    model::identity::tags(headers.iter().map(|header| (header.name.as_str(), header.value.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(name: &str, value: &str) -> Header {
        Header { name: name.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_traceparent_counts_when_it_keeps_the_rules() {
        let (trace_id, parent_id) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
        for (value, counts) in [
            (format!("00-{trace_id}-{parent_id}-01"), true),
            (format!("01-{trace_id}-{parent_id}-01-more"), true),
            (format!("00-{trace_id}-{parent_id}-01-more"), false),
            (format!("ff-{trace_id}-{parent_id}-01"), false),
            (format!("00-{trace_id}-{parent_id}"), false),
            (format!("00-{}-{parent_id}-01", trace_id.to_uppercase()), false),
            (format!("00-{trace_id}-{}-01", parent_id.to_uppercase()), false),
            (format!("00-{}-{parent_id}-01", "0".repeat(32)), false),
            (format!("00-{trace_id}-{}-01", "0".repeat(16)), false),
            (format!("00-{trace_id}0-{parent_id}-01"), false),
            (String::new(), false),
        ] {
            let wanted = counts.then(|| (trace_id.to_owned(), parent_id.to_owned())).unzip();
            assert_eq!(trace(&[header("traceparent", &value)]), wanted, "{value}");
        }
    }
}
