//! A batch made ready to be committed: bodies cut, what is new of them compressed, columns coded. This is the work of
//! storing that needs no database, so that it can be done beside the commit of the batch before.

use api::{CallId, CallSummary};

use crate::bodies::{Cut, PackedLately};
use crate::row::CodedDetail;
use crate::write::{CallRecord, Write};
use crate::{Store, StoreError};

/// What [`Store::commit`] takes.
#[derive(Debug)]
pub struct Batch {
    pub(crate) opened: Vec<CallSummary>,
    pub(crate) ended: Vec<Ended>,
    pub(crate) lost: Vec<CallId>,
}

/// A call that ended, with everything about it that takes work to make.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) record: CallRecord,
    pub(crate) coded: CodedDetail,
    /// Request and answer.
    pub(crate) bodies: [Cut; 2],
    /// What is known of them, as JSON.
    pub(crate) infos: [String; 2],
}

impl Store {
    /// Makes `writes` ready. Takes milliseconds of CPU time: not for a thread that forwards calls.
    pub fn prepare(&self, writes: Vec<Write>) -> Result<Batch, StoreError> {
        let mut batch = Batch { opened: Vec::new(), ended: Vec::new(), lost: Vec::new() };
        for write in writes {
            match write {
                Write::Open(summary) => batch.opened.push(*summary),
                Write::Close(record) => batch.ended.push(Ended::new(*record, &self.inner.packed)?),
                Write::Lose(id) => batch.lost.push(id),
            }
        }
        Ok(batch)
    }
}

impl Ended {
    fn new(mut record: CallRecord, packed: &PackedLately) -> Result<Self, StoreError> {
        let mut bodies =
            [&mut record.request, &mut record.response].map(|body| Cut::new(&std::mem::take(body)));
        for body in &mut bodies {
            packed.pack(body)?;
        }
        let detail = &record.detail;
        let infos =
            [serde_json::to_string(&detail.request_body)?, serde_json::to_string(&detail.response_body)?];
        Ok(Self { coded: CodedDetail::new(detail)?, bodies, infos, record })
    }
}
