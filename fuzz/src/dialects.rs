//! Every dialect's reader on any request and answer. Input: the dialect, how the answer is labelled, the request, a
//! zero byte, the answer.

use model::dialect::{
    ByHeaders, Dialect, Exchange, Reading, conversation, read, read_with_spoken, requested_model,
};

const CONTENT_TYPES: [Option<&str>; 4] =
    [Some("text/event-stream"), Some("application/json"), Some("application/x-ndjson"), None];
const STATUSES: [Option<u16>; 4] = [Some(200), Some(200), Some(500), None];
pub(crate) const PATHS: [&str; 4] =
    ["/v1/x", "/v1beta/models/gemini-x:streamGenerateContent", "/v1/responses/resp_1", "/v1/audio/speech"];

pub(crate) fn run(input: &[u8]) {
    let [dialect, labels, bodies @ ..] = input else { return };
    let dialect = Dialect::ALL[usize::from(*dialect) % Dialect::ALL.len()];
    let border = bodies.iter().position(|byte| *byte == 0).unwrap_or(0);
    let (request, response) = bodies.split_at(border);
    let response = response.strip_prefix(b"\0").unwrap_or(response);
    let label = usize::from(*labels);
    let exchange = Exchange {
        dialect,
        provider: "p",
        path: PATHS[label >> 4 & 3],
        request,
        response,
        status: STATUSES[label >> 2 & 3],
        content_type: CONTENT_TYPES[label & 3],
        by_headers: ByHeaders::default(),
    };
    let (reading, spoken) = read_with_spoken(&exchange);
    let answer = spoken.answer;
    check(&exchange, &reading);
    let conversation = conversation(&exchange);
    assert_eq!(conversation.answer, answer, "both ways of reading say the same");
    let _model = requested_model(dialect, exchange.path, &request[..request.len() / 2]);
    if label & 3 == 0 && !matches!(response.trim_ascii().first(), Some(b'{' | b'[')) {
        other_line_ends(&exchange, &reading);
    }
}

fn check(exchange: &Exchange<'_>, reading: &Reading) {
    assert!(reading.first_token_at.is_none_or(|at| at <= exchange.response.len()));
    assert!(reading.title.as_ref().is_none_or(|title| title.chars().count() <= 120));
    assert!(reading.error.as_ref().is_none_or(|error| error.chars().count() <= 500 && !error.contains('\n')));
    assert!(!reading.usage_final || !reading.usage.is_unknown());
    assert!(!reading.error_in_stream || reading.error.is_some());
    let _total = reading.usage.total();
    if let Some(estimated) = &reading.estimated {
        assert!(
            !(reading.usage_final && reading.usage.output.is_some()),
            "nothing that is known is estimated"
        );
        assert!(estimated.output.unwrap() >= reading.usage.output.unwrap_or(0).max(1));
        assert_eq!(estimated.cache_read, reading.usage.cache_read);
        assert!(reading.usage.input.is_none() || reading.usage.input == estimated.input);
    }
}

/// A stream says the same with other line ends, with comments, and with a byte order mark.
fn other_line_ends(exchange: &Exchange<'_>, reading: &Reading) {
    let nothing = exchange.response.trim_ascii().is_empty();
    if nothing || exchange.response.contains(&b'\r') || exchange.response.starts_with(b"\xef\xbb\xbf") {
        return;
    }
    let mut crlf = b"\xef\xbb\xbf: a comment\r\n".to_vec();
    for byte in exchange.response {
        if *byte == b'\n' {
            crlf.push(b'\r');
        }
        crlf.push(*byte);
    }
    let mut same = read(&Exchange { response: &crlf, ..*exchange });
    assert_eq!(same.first_token_at.is_some(), reading.first_token_at.is_some());
    same.first_token_at = reading.first_token_at;
    assert_eq!(&same, reading, "line ends do not matter");
}
