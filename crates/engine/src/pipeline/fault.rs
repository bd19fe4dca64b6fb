//! A fault that tests ask for: reading a body that holds a given text panics. Not in a release build.

use std::sync::OnceLock;

/// Names the text.
const VARIABLE: &str = "LLMFLOW_TEST_PARSER_FAULT";

/// Panics when `body` holds the text.
#[expect(clippy::panic, reason = "this is the fault that a test asked for")]
pub(super) fn strike(body: &[u8]) {
    static TEXT: OnceLock<Option<String>> = OnceLock::new();
    let Some(text) = TEXT.get_or_init(|| std::env::var(VARIABLE).ok().filter(|text| !text.is_empty())) else {
        return;
    };
    if body.windows(text.len()).any(|window| window == text.as_bytes()) {
        panic!("{VARIABLE} asked for this");
    }
}
