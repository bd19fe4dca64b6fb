//! A call as a curl command, a turn of a WebSocket as one of websocat. Pure; credentials become `$API_KEY`, and only headers that matter are kept.

use api::{CallDetail, Header};

/// Headers that programs set by themselves and these commands do not: what a body is, and what is spoken over a WebSocket.
const KEPT: [&str; 2] = ["content-type", "sec-websocket-protocol"];
/// The method under which a turn of a WebSocket is recorded.
pub const WEBSOCKET: &str = "WS";

/// The program that the command of a call with this method is for, and what copying it is called.
pub fn program(method: &str) -> (&'static str, &'static str) {
    match method {
        WEBSOCKET => ("websocat", "Copy as websocat; credentials become $API_KEY"),
        _ => ("curl", "Copy as curl; credentials become $API_KEY"),
    }
}

/// The command that sends the same request to the same upstream; a translated call is made again to be translated.
pub fn command(call: &CallDetail, body: Option<&str>) -> String {
    let socket = call.summary.method == WEBSOCKET;
    let query =
        call.query.as_deref().map(|query| format!("?{}", without_fingerprints(query))).unwrap_or_default();
    let address = api::code::url(call);
    // What is an `http` address for calls is a `ws` one for connections, with TLS or without.
    let address = if socket { address.replacen("http", "ws", 1) } else { address };
    let url = format!("{address}{query}");
    let body = body.filter(|body| !body.is_empty());
    let mut lines = match socket {
        true => vec![over_websocket(&url, body)],
        false => vec![format!("curl {}", quoted(&url))],
    };
    if !socket && (call.summary.method != "POST" || body.is_none()) {
        lines.push(format!("-X {}", method(&call.summary.method)));
    }
    for header in call.request_headers.iter().filter(|header| is_said(header)) {
        let text = format!("{}: {}", header.name, header.value);
        lines.push(format!("-H {}", quoted(&without_fingerprints(&text))));
    }
    if let Some(body) = body.filter(|_| !socket) {
        lines.push(format!("--data-raw {}", single_quoted(body)));
    }
    lines.join(" \\\n  ")
}

/// Whether a header is said again.
fn is_said(header: &Header) -> bool {
    KEPT.iter().any(|name| header.name.eq_ignore_ascii_case(name)) || !api::code::is_left_out(header)
}

/// A method may have signs in it that mean something to a shell, whoever made it up.
fn method(name: &str) -> String {
    let is_plain = name.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_plain { name.to_owned() } else { single_quoted(name) }
}

/// What says a turn's messages again, a line each.
fn over_websocket(url: &str, body: Option<&str>) -> String {
    let said = body.map(|body| format!("printf '%s\\n' {} | ", single_quoted(body.trim_end())));
    format!("{}websocat {}", said.unwrap_or_default(), quoted(url))
}

/// Whether a header's value holds a credential's fingerprint.
pub fn has_fingerprint(text: &str) -> bool {
    fingerprint(text).is_some()
}

/// Where a fingerprint, `[key:ab12…]`, stands.
fn fingerprint(text: &str) -> Option<(usize, usize)> {
    let start = text.find("[key:")?;
    let length = text.get(start..)?.find(']')?;
    Some((start, start + length + 1))
}

fn without_fingerprints(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((start, end)) = fingerprint(rest) {
        out.push_str(rest.get(..start).unwrap_or_default());
        out.push_str("$API_KEY");
        rest = rest.get(end..).unwrap_or_default();
    }
    out + rest
}

/// Double quotes where `$API_KEY` must be filled in, single ones elsewhere.
fn quoted(text: &str) -> String {
    if !text.contains("$API_KEY") {
        return single_quoted(text);
    }
    let mut out = String::from("\"");
    for (index, part) in text.split("$API_KEY").enumerate() {
        if index > 0 {
            out.push_str("$API_KEY");
        }
        for letter in part.chars() {
            if matches!(letter, '"' | '\\' | '$' | '`') {
                out.push('\\');
            }
            out.push(letter);
        }
    }
    out.push('"');
    out
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_become_a_placeholder() {
        assert_eq!(without_fingerprints("Bearer [key:ab12…]"), "Bearer $API_KEY");
        assert_eq!(without_fingerprints("[key:a] and [key:b]"), "$API_KEY and $API_KEY");
        assert!(!has_fingerprint("application/json"));
        assert_eq!(quoted("x-api-key: $API_KEY"), "\"x-api-key: $API_KEY\"");
        assert_eq!(quoted("a\"`$x $API_KEY"), "\"a\\\"\\`\\$x $API_KEY\"");
    }

    #[test]
    fn a_turn_of_a_websocket_is_said_again() {
        let line = over_websocket("wss://api.openai.com/v1/responses", Some("{\"a\":1}\n"));
        assert_eq!(line, "printf '%s\\n' '{\"a\":1}' | websocat 'wss://api.openai.com/v1/responses'");
        assert_eq!(over_websocket("ws://localhost/", None), "websocat 'ws://localhost/'");
        assert_eq!((program(WEBSOCKET).0, program("POST").0), ("websocat", "curl"));
    }

    #[test]
    fn a_method_is_one_word_whatever_it_is() {
        assert_eq!(
            (method("DELETE"), method("X|id&|`id`")),
            ("DELETE".to_owned(), "'X|id&|`id`'".to_owned())
        );
        assert_eq!(method("a'b"), r"'a'\''b'");
    }

    #[test]
    fn what_was_decoded_is_not_said_to_be_coded() {
        let said = |name: &str| is_said(&Header { name: name.to_owned(), value: "gzip".to_owned() });
        for name in
            ["Content-Encoding", "content-length", "Host", "x-stainless-os", "Cookie", "sec-websocket-key"]
        {
            assert!(!said(name), "{name}");
        }
        for name in ["Content-Type", "Authorization", "anthropic-version", "Sec-WebSocket-Protocol"] {
            assert!(said(name), "{name}");
        }
    }

    #[test]
    fn a_body_with_quotes_stays_one_argument() {
        assert_eq!(single_quoted("it's"), r"'it'\''s'");
    }
}
