//! LiteLLM's price table in memory. Owns the format and a compact form: one text of all keys, one list of all rates.
//! Leaves out matching names (`find`) and multiplying (`bill`).

use serde::de::Error as _;

use super::decimal::{Factor, Rate};
use super::off_peak::OffPeak;
use super::rate::Row;

mod read;

/// Why a price table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PriceError {
    /// The text is not the JSON object that LiteLLM publishes.
    #[error("the price table is not readable: {0}")]
    Unreadable(#[from] serde_json::Error),
}

/// Prices of every known model on one day.
#[derive(Debug)]
pub struct PriceTable {
    date: String,
    /// All keys, one after the other.
    keys: String,
    /// All rates, each entry's together.
    rows: Vec<Row>,
    /// What few entries say beside rates.
    extras: Vec<Extra>,
    /// By key, ignoring case.
    entries: Vec<Entry>,
}

/// One model: where its key and rates lie, and what else bears on its price.
#[derive(Clone, Debug)]
struct Entry {
    key: (u32, u32),
    rows: (u32, u32),
    extra: Option<u32>,
    is_xai: bool,
}

/// What bears on a price beside rates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extra {
    /// What a web search costs that brings little, some, or much context.
    pub(super) search: [Option<Rate>; 3],
    /// Searches are billed once a prompt.
    pub(super) search_per_prompt: bool,
    pub(super) us: Option<Factor>,
    pub(super) fast: Option<Factor>,
    /// OpenAI's regions.
    pub(super) region_us: Option<Factor>,
    pub(super) region_eu: Option<Factor>,
    /// Vertex' regions.
    pub(super) vertex: Option<Factor>,
    pub(super) off_peak: Option<OffPeak>,
}

/// An entry of a table, taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) key: String,
    pub(super) rows: Vec<Row>,
    pub(super) extra: Extra,
    pub(super) is_xai: bool,
}

impl PriceTable {
    /// Reads a table in LiteLLM's format, taken on `date`. Members that are not understood are skipped.
    pub fn parse(json: &[u8], date: &str) -> Result<Self, PriceError> {
        let mut table = Self {
            date: date.to_owned(),
            keys: String::new(),
            rows: Vec::new(),
            extras: Vec::new(),
            entries: Vec::new(),
        };
        // Offsets are 32 bits wide; the text bounds everything that is kept of it.
        if u32::try_from(json.len()).is_err() {
            return Err(PriceError::Unreadable(serde_json::Error::custom("larger than 4 GiB")));
        }
        read::read(json, &mut table)?;
        table.index();
        Ok(table)
    }

    /// The day on which the table was taken.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// How many models have an entry.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry with exactly this key, case aside.
    pub(super) fn get(&self, key: &str) -> Option<Found> {
        Some(self.take(self.entries.get(self.position(key)?)?))
    }

    /// Whether there is an entry with this key, case aside.
    pub(super) fn has(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    fn position(&self, key: &str) -> Option<usize> {
        let wanted = lower(key);
        self.entries.binary_search_by(|entry| lower(self.key(entry)).cmp(wanted.clone())).ok()
    }

    fn take(&self, entry: &Entry) -> Found {
        Found {
            key: self.key(entry).to_owned(),
            rows: slice(&self.rows, entry.rows).to_vec(),
            extra: entry.extra.and_then(|at| self.extras.get(at as usize)).cloned().unwrap_or_default(),
            is_xai: entry.is_xai,
        }
    }

    /// Every entry's key, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| self.key(entry))
    }

    /// How many entries have a price of anything.
    pub fn priced(&self) -> usize {
        self.entries.iter().filter(|entry| entry.rows.0 < entry.rows.1).count()
    }

    fn key(&self, entry: &Entry) -> &str {
        let (start, end) = entry.key;
        self.keys.get(start as usize..end as usize).unwrap_or_default()
    }

    /// Sorts the entries and gives back what growing took too much.
    fn index(&mut self) {
        let keys = std::mem::take(&mut self.keys);
        let text = |entry: &Entry| keys.get(entry.key.0 as usize..entry.key.1 as usize).unwrap_or_default();
        self.entries.sort_by(|a, b| lower(text(a)).cmp(lower(text(b))));
        self.entries.dedup_by(|later, first| lower(text(later)).eq(lower(text(first))));
        self.keys = keys;
        self.keys.shrink_to_fit();
        self.rows.shrink_to_fit();
        self.extras.shrink_to_fit();
        self.entries.shrink_to_fit();
    }
}

fn lower(text: &str) -> impl Iterator<Item = u8> + Clone {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}

fn slice<T>(all: &[T], (start, end): (u32, u32)) -> &[T] {
    all.get(start as usize..end as usize).unwrap_or_default()
}
