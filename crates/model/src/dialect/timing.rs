//! What servers say of their own work: llama.cpp's `timings`, Ollama's durations, Groq's and Cerebras' times.
//! Leaves out the moments that the proxy saw itself.

use api::ServerTiming;
use serde_json::Value;

use super::answer::Answer;
use super::json::{count, object};

/// The units that servers count in, as microseconds.
const SECOND: f64 = 1e6;
const MILLISECOND: f64 = 1e3;
const NANOSECOND: f64 = 1e-3;

/// llama.cpp's `timings`, in milliseconds.
pub(super) fn take_llama(timings: &Value, answer: &mut Answer) {
    let told = ServerTiming {
        prompt_us: micros(timings, "prompt_ms", MILLISECOND),
        prompt_tokens: count(timings, "prompt_n"),
        output_us: micros(timings, "predicted_ms", MILLISECOND),
        output_tokens: count(timings, "predicted_n"),
        drafted: count(timings, "draft_n"),
        drafts_accepted: count(timings, "draft_n_accepted"),
        ..ServerTiming::default()
    };
    keep(told, answer);
}

/// Ollama's durations, in nanoseconds.
pub(super) fn take_ollama(value: &Value, answer: &mut Answer) {
    let told = ServerTiming {
        load_us: micros(value, "load_duration", NANOSECOND),
        prompt_us: micros(value, "prompt_eval_duration", NANOSECOND),
        prompt_tokens: count(value, "prompt_eval_count"),
        output_us: micros(value, "eval_duration", NANOSECOND),
        output_tokens: count(value, "eval_count"),
        total_us: micros(value, "total_duration", NANOSECOND),
        ..ServerTiming::default()
    };
    keep(told, answer);
}

/// Groq's times beside its usage, Cerebras' `time_info`: in seconds.
pub(super) fn take_seconds(value: &Value, answer: &mut Answer) {
    let holder = object(value, "time_info").or_else(|| object(value, "usage"));
    let groq = object(value, "x_groq").and_then(|groq| object(groq, "usage"));
    let Some(times) = holder.or(groq) else { return };
    let usage = object(value, "usage").or(groq).unwrap_or(times);
    let told = ServerTiming {
        queue_us: micros(times, "queue_time", SECOND),
        prompt_us: micros(times, "prompt_time", SECOND),
        output_us: micros(times, "completion_time", SECOND),
        total_us: micros(times, "total_time", SECOND),
        ..ServerTiming::default()
    };
    if told != ServerTiming::default() {
        let output_tokens = count(usage, "completion_tokens");
        keep(ServerTiming { prompt_tokens: count(usage, "prompt_tokens"), output_tokens, ..told }, answer);
    }
}

fn keep(told: ServerTiming, answer: &mut Answer) {
    if told != ServerTiming::default() {
        answer.reading.server = Some(told);
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked first")]
fn micros(value: &Value, key: &str, unit: f64) -> Option<u64> {
    let micros = value.get(key)?.as_f64()? * unit;
    (0.0..=1e15).contains(&micros).then(|| micros.round() as u64)
}
