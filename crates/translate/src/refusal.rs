//! Why a request is not translated: the field and the reason, for the caller.

use serde_json::{Value, json};

/// A field that cannot be translated, or a request that is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The field as OpenAI names it (`messages[2].content[0].image_url`); empty when it is the whole body.
    pub field: String,
    /// Why, and what to do about it.
    pub why: String,
}

impl Refusal {
    /// A refusal of `field`.
    pub fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }

    /// What the caller gets with status 400.
    pub fn body(&self) -> Value {
        let param = Some(&self.field).filter(|field| !field.is_empty());
        json!({"error": {
            "message": self.why, "type": "invalid_request_error", "param": param, "code": "not_translatable",
        }})
    }
}
