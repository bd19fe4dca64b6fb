//! What a row of the Traces page is by its id: a trace, or a call that belongs to none. Pure.

use std::fmt;
use std::str::FromStr;

use api::{CallId, TraceEntry};

/// A trace's id: 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(u128);

impl FromStr for TraceId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let id = is_hex.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        id.map(Self).ok_or(())
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A row's id. In addresses a call's has dashes and a trace's has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntryId {
    Trace(TraceId),
    Call(CallId),
}

impl EntryId {
    /// The id of a row; that of a trace whose id makes no sense is zero.
    pub fn of(entry: &TraceEntry) -> Self {
        match entry {
            TraceEntry::Trace(trace) => Self::Trace(trace.id.parse().unwrap_or(TraceId(0))),
            TraceEntry::Call(call) => Self::Call(call.id),
        }
    }

    /// Its bytes as a number: of entries that began in the same millisecond the larger one comes first.
    pub const fn number(self) -> u128 {
        match self {
            Self::Trace(TraceId(number)) => number,
            Self::Call(call) => u128::from_be_bytes(*call.as_bytes()),
        }
    }

    /// Its page.
    pub fn address(self) -> String {
        format!("/traces/{self}")
    }
}

impl FromStr for EntryId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(trace) => Ok(Self::Trace(trace)),
            Err(()) => text.parse().map(Self::Call).map_err(|_| ()),
        }
    }
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Trace(trace) => trace.fmt(f),
            Self::Call(call) => call.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_tell_a_call_from_a_trace() {
        let call = "01935a2b-6f4e-7d11-9a43-5b6c7d8e9f01";
        let trace = "01935a2b6f4e7d119a435b6c7d8e9f01";
        assert!(matches!(call.parse(), Ok(EntryId::Call(_))));
        assert!(matches!(trace.parse(), Ok(EntryId::Trace(_))));
        for id in [call, trace] {
            assert_eq!(id.parse::<EntryId>().unwrap().to_string(), id);
        }
        assert!(
            "01935a2b".parse::<EntryId>().is_err()
                && "+1935a2b6f4e7d119a435b6c7d8e9f01".parse::<EntryId>().is_err()
        );
    }
}
