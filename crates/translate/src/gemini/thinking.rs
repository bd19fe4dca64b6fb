//! `reasoning_effort` as Gemini takes it: a level since version 3, a budget of tokens before.

use serde_json::{Value, json};

use crate::chat::{Effort, Request};
use crate::refusal::Refusal;

/// `thinkingConfig`: who asks for an effort is told the thoughts too.
pub(super) fn config(request: &Request) -> Result<Option<Value>, Refusal> {
    match request.effort {
        None => Ok(request.tell_thoughts.then(|| json!({"includeThoughts": true}))),
        Some(Effort::None) => off(&request.model).map(Some),
        Some(effort) => Ok(Some(on(&request.model, effort))),
    }
}

fn on(model: &str, effort: Effort) -> Value {
    let how_much = match generation(model) {
        Some(1 | 2) => ("thinkingBudget", Value::from(budget(model, effort))),
        _ => ("thinkingLevel", Value::from(level(model, effort))),
    };
    let (name, value) = how_much;
    json!({"includeThoughts": true, name: value})
}

fn off(model: &str) -> Result<Value, Refusal> {
    if matches!(generation(model), Some(1 | 2)) && !model.contains("pro") {
        return Ok(json!({"thinkingBudget": 0}));
    }
    let why = format!(
        "reasoning_effort cannot be \"none\" for {model}, which always thinks. Use \"minimal\" or \"low\"."
    );
    Err(Refusal::new("reasoning_effort", why))
}

/// Google's own figures for these words; above them what the model can take.
fn budget(model: &str, effort: Effort) -> u32 {
    match effort {
        Effort::None => 0,
        Effort::Minimal | Effort::Low => 1_024,
        Effort::Medium => 8_192,
        Effort::High => 24_576,
        Effort::Xhigh | Effort::Max if model.contains("pro") => 32_768,
        Effort::Xhigh | Effort::Max => 24_576,
    }
}

fn level(model: &str, effort: Effort) -> &'static str {
    match effort {
        // Only the small ones have less than low.
        Effort::Minimal if !model.contains("pro") => "minimal",
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Xhigh | Effort::Max => "high",
    }
}

/// The version's first number; `None` for names that say none (`gemini-flash-latest`), which are the newest.
pub(super) fn generation(model: &str) -> Option<u32> {
    let (_, version) = model.split_once("gemini-")?;
    let digits = version.split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}
