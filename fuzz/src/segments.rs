//! Request bodies: cut into segments and put together again, searched for text, asked for their session.

use model::segment::{BodyPart, scan};
use serde_json::Value;

pub(crate) fn run(body: &[u8]) {
    let parts = scan(body);
    let mut at = 0;
    let valid = serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok();
    for part in &parts {
        match part {
            BodyPart::Literal(range) => {
                assert!(range.start == at && range.start < range.end, "a literal follows what is before it");
                at = range.end;
            }
            BodyPart::Array(elements) => {
                assert!(!elements.is_empty());
                for element in elements {
                    assert!(element.range.start == at && element.range.start < element.range.end);
                    at = element.range.end;
                    check_markers(body, element, valid);
                }
            }
        }
    }
    assert_eq!(at, body.len(), "the parts are the body");
    for limit in [0, 5, 1_000] {
        assert!(model::text::searchable(body, limit).len() <= limit);
    }
    let _said = model::identity::said(&|_| None, "/v1/chat/completions", body);
}

fn check_markers(body: &[u8], element: &model::segment::Element, valid: bool) {
    let mut at = element.range.start;
    let mut kept = Vec::new();
    for marker in &element.markers {
        assert!(at <= marker.start && marker.start < marker.end && marker.end <= element.range.end);
        let cut = String::from_utf8_lossy(&body[marker.clone()]);
        assert!(cut.contains("\"cache_control\""), "only markers are cut: {cut}");
        kept.extend_from_slice(&body[at..marker.start]);
        at = marker.end;
    }
    kept.extend_from_slice(&body[at..element.range.end]);
    if !valid || element.markers.is_empty() {
        return;
    }
    let bare = |bytes: &[u8]| -> Vec<u8> {
        let bytes = bytes.trim_ascii_start();
        bytes.strip_prefix(b",").unwrap_or(bytes).to_vec()
    };
    // Numbers that no float holds are JSON all the same, but no value here.
    if serde_json::from_slice::<Value>(&bare(&body[element.range.clone()])).is_ok() {
        let after = serde_json::from_slice::<Value>(&bare(&kept));
        assert!(after.is_ok(), "an element without its markers is JSON");
    }
}
