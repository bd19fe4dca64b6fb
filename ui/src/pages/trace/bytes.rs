//! Loading a body: whole when it is small, both ends when it is large, all of it when asked.
//! Leaves out drawing it (`body`, `raw`).

use api::{ApiError, BodySide, CallId};

use crate::backend::Backend;

/// Larger bodies show their ends first.
pub const LARGE: u64 = 1_000_000;
/// How much of each end.
const END: u64 = 64 * 1024;
/// What one question may ask for.
const PART: u64 = 4 * 1024 * 1024;

/// What is loaded of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The beginning, or all of it.
    pub head: String,
    /// The end; `None` when `head` is all.
    pub tail: Option<String>,
    /// Bytes between the two.
    pub left_out: u64,
    pub total: u64,
    pub binary: bool,
}

/// A body of `size` bytes; all of it when `all` or when it is not large.
pub async fn load(
    backend: Backend,
    id: CallId,
    side: BodySide,
    size: u64,
    all: bool,
) -> Result<Loaded, ApiError> {
    if all || size <= LARGE {
        return whole(backend, id, side).await;
    }
    let head = backend.body(id, side, 0, END).await?;
    let tail = backend.body(id, side, head.total.saturating_sub(END), END).await?;
    Ok(Loaded {
        left_out: tail.offset.saturating_sub(head.next),
        total: head.total,
        binary: head.binary || tail.binary,
        head: head.text,
        tail: Some(tail.text),
    })
}

async fn whole(backend: Backend, id: CallId, side: BodySide) -> Result<Loaded, ApiError> {
    let mut loaded = Loaded { head: String::new(), tail: None, left_out: 0, total: 0, binary: false };
    let mut at = 0;
    loop {
        let part = backend.body(id, side, at, PART).await?;
        loaded.head.push_str(&part.text);
        loaded.total = part.total;
        loaded.binary |= part.binary;
        if part.next <= at || part.next >= part.total {
            return Ok(loaded);
        }
        at = part.next;
    }
}
