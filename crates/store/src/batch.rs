//! A batch made ready to be committed: what its calls leave behind is cut, packed and compressed. This is the work of
//! storing that needs no database, so that it can be done beside the commit of the batch before.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{CallId, CallSummary};

use crate::known::Known;
use crate::layout::Place;
use crate::pace::Pace;
use crate::pack::{Packed, Packer};
use crate::words::Distinct;
use crate::write::{CallRecord, Write};
use crate::{Store, StoreError, bodies, record, text};

/// What [`Store::commit`] takes.
#[derive(Debug)]
pub struct Batch {
    pub(crate) opened: Vec<CallSummary>,
    pub(crate) ended: Vec<CallRecord>,
    pub(crate) lost: Vec<CallId>,
    pub(crate) left: Left,
}

/// What calls that ended leave behind. When it is dropped without having been written, what later calls were found to
/// repeat of it is forgotten.
#[derive(Debug)]
pub(crate) struct Left {
    /// For each call where its record stands.
    pub(crate) places: Vec<Place>,
    /// For each call the words it is found by.
    pub(crate) texts: Vec<String>,
    pub(crate) packs: Vec<Packed>,
    /// The numbers given out for them.
    numbers: Range<i64>,
    written: AtomicBool,
    epoch: u64,
    known: Arc<Mutex<Known>>,
}

impl Store {
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.inner.known)
    }

    /// How storing shares the cores with everything else.
    pub fn pace(&self) -> &Pace {
        &self.inner.pace
    }

    /// Makes `writes` ready. Takes milliseconds of CPU time: not for a thread that forwards calls.
    pub fn prepare(&self, writes: Vec<Write>) -> Result<Batch, StoreError> {
        let (mut opened, mut ended, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for write in writes {
            match write {
                Write::Open(summary) => opened.push(*summary),
                Write::Close(record) => ended.push(*record),
                Write::Lose(id) => lost.push(id),
            }
        }
        let left = self.pack(&ended)?;
        Ok(Batch { opened, ended, lost, left })
    }

    /// Packs once more what `calls` leave behind, because something that they repeat was taken away. What other batches
    /// have ready is not relied on: they come later, or never.
    pub(crate) fn pack_again(&self, calls: &[CallRecord]) -> Result<Left, StoreError> {
        self.pack_knowing(calls, true)
    }

    /// Packs what `calls` leave behind.
    pub(crate) fn pack(&self, calls: &[CallRecord]) -> Result<Left, StoreError> {
        self.pack_knowing(calls, false)
    }

    fn pack_knowing(&self, calls: &[CallRecord], cautious: bool) -> Result<Left, StoreError> {
        let mut known = self.known();
        let epoch = known.epoch();
        known.cautious = cautious;
        let packed = pack(calls, &mut known, &self.inner.pace);
        known.cautious = false;
        if packed.is_err() {
            known.forget();
        }
        let (places, texts, (packs, numbers)) = packed?;
        drop(known);
        let (written, known) = (AtomicBool::new(false), self.inner.known.clone());
        Ok(Left { places, texts, packs, numbers, written, epoch, known })
    }
}

type Parts = (Vec<Place>, Vec<String>, (Vec<Packed>, Range<i64>));

fn pack(calls: &[CallRecord], known: &mut Known, pace: &Pace) -> Result<Parts, StoreError> {
    let (mut places, mut texts) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
    let (mut packer, mut distinct) = (Packer::new(known), Distinct::default());
    for call in calls {
        let (mut new, mut answered, begins) = (Vec::new(), Vec::new(), packer.len()?);
        let layouts = [
            bodies::store(&call.request, &mut packer, &mut new)?,
            bodies::store(&call.response, &mut packer, &mut answered)?,
        ];
        let client = call.client.as_deref().map(|[request, response]| {
            // It says what the provider's side says: one of them is enough to be found by.
            let mut found = Vec::new();
            let request = bodies::store(request, &mut packer, &mut found)?;
            Ok::<_, StoreError>([request, bodies::store(response, &mut packer, &mut found)?])
        });
        let client = client.transpose()?;
        places.push(packer.add(&record::encode(call, &layouts, client.as_ref(), begins)?)?);
        texts.push(text::words(&mut distinct, &call.answer_text, &new, &text::ids(&call.detail)));
        packer.end_call()?;
        pace.give_way();
    }
    Ok((places, texts, packer.finish()?))
}

impl Left {
    /// Whether what this repeats of earlier calls may never have been written.
    pub(crate) fn is_stale(&self) -> bool {
        lock(&self.known).epoch() != self.epoch
    }

    pub(crate) fn note_written(&self) {
        self.written.store(true, Ordering::Relaxed);
        lock(&self.known).end(&self.numbers);
    }
}

impl Drop for Left {
    fn drop(&mut self) {
        if self.written.load(Ordering::Relaxed) {
            return;
        }
        let mut known = lock(&self.known);
        known.end(&self.numbers);
        if known.epoch() == self.epoch && !self.packs.is_empty() {
            known.forget();
        }
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}
