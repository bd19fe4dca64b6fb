//! Reading everything that is stored and checking it, beside whoever writes: SQLite's own check, every record and body with
//! its size and hash, every report, and what stands twice and must be the same. Nothing is changed.

use std::path::Path;

use api::{BodyInfo, BodySide, CallId, ReportSource};
use bytes::Bytes;
use model::telemetry::wire::{LogRecord, Span};
use sha2::{Digest, Sha256};

use crate::known::listing;
use crate::named::slice;
use crate::pack::Reader;
use crate::telemetry::Records;
use crate::{Store, StoreError};

/// Rows read at once.
const ROWS: i64 = 256;
/// Problems that are told one by one; the others are counted.
const TOLD: usize = 100;
const RESTORE: &str =
    "Put a copy back with: llmflow restore FILE. Without one, move data.db away: LLMFlow begins a new one.";

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Calls whose records were read.
    pub calls: u64,
    /// Bodies that were put together.
    pub bodies: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of them, those whose hash could be compared with that of the bytes on the wire.
    pub hashed: u64,
    /// Spans and log records that were read.
    pub reports: u64,
    /// What is wrong: what, and what to do about it.
    pub problems: Vec<(String, String)>,
    /// Problems beyond those.
    pub more: u64,
}

impl Verified {
    fn problem(&mut self, what: impl Into<String>, remedy: impl Into<String>) {
        if self.problems.len() < TOLD {
            self.problems.push((what.into(), remedy.into()));
        } else {
            self.more += 1;
        }
    }
}

/// Checks everything in the database at `path`, which may be in use.
pub async fn verify(path: &Path) -> Result<Verified, StoreError> {
    let store = Store::look(path).await?;
    let verified = store.verify().await;
    store.close().await?;
    verified
}

impl Store {
    async fn verify(&self) -> Result<Verified, StoreError> {
        let mut found = Verified::default();
        let damage: Vec<String> =
            sqlx::query_scalar("PRAGMA integrity_check(20)").fetch_all(&self.inner.read).await?;
        for line in damage.into_iter().filter(|line| line != "ok") {
            found.problem(format!("The database file is damaged: {line}."), RESTORE);
        }
        self.verify_packs(&mut found).await?;
        self.verify_calls(&mut found).await?;
        self.verify_reports(&mut found).await?;
        self.verify_tables(&mut found).await?;
        let sums = self.verify_rollups().await?;
        if sums.wrong > 0 {
            let what = format!("{} of {} sums are not what the calls add up to.", sums.wrong, sums.sums);
            found.problem(what, "Add them up again with: llmflow rebuild");
        }
        Ok(found)
    }

    /// Each pack can be unpacked, and what it lists is what stands there.
    async fn verify_packs(&self, found: &mut Verified) -> Result<(), StoreError> {
        let mut after = 0;
        let mut reader = Reader::new(self);
        loop {
            let packs = sqlx::query_as("SELECT id, known FROM pack WHERE id > ? ORDER BY id LIMIT ?");
            let packs: Vec<(i64, Vec<u8>)> = packs.bind(after).bind(ROWS).fetch_all(&self.inner.read).await?;
            let Some((last, _)) = packs.last() else { return Ok(()) };
            after = *last;
            for (id, listed) in packs {
                if let Err(what) = is_whole(&mut reader, id, &listed).await? {
                    found.problem(
                        format!(
                            "Pack {id} is damaged: {what}. Calls whose bodies stand in it are named below."
                        ),
                        RESTORE,
                    );
                }
            }
        }
    }

    async fn verify_calls(&self, found: &mut Verified) -> Result<(), StoreError> {
        let mut after = 0;
        loop {
            let calls = sqlx::query_as(
                "SELECT seq, id FROM call WHERE seq > ? AND state != 'open' ORDER BY seq LIMIT ?",
            );
            let calls: Vec<(i64, Vec<u8>)> = calls.bind(after).bind(ROWS).fetch_all(&self.inner.read).await?;
            let Some((last, _)) = calls.last() else { return Ok(()) };
            after = *last;
            for (seq, id) in calls {
                let Some(id) = CallId::from_slice(&id) else {
                    found.problem(format!("Row {seq} of the calls has no id."), RESTORE);
                    continue;
                };
                match self.verify_call(id, found).await {
                    Ok(()) => found.calls += 1,
                    Err(error) if error.is_damage() => found.problem(
                        format!("Call {id} cannot be read: {}.", error.reason()),
                        format!("{RESTORE} Or give it up: llmflow delete --call {id}"),
                    ),
                    Err(error) => return Err(error),
                }
            }
        }
    }

    async fn verify_call(&self, id: CallId, found: &mut Verified) -> Result<(), StoreError> {
        // It may have been deleted since.
        let Some(call) = self.call(id).await? else { return Ok(()) };
        if !call.summary.sources.contains(&ReportSource::Proxy) {
            return Ok(());
        }
        let client = call.translated.as_deref().map(|client| (&client.request_body, &client.response_body));
        let sides = [
            (BodySide::Request, Some(&call.request_body)),
            (BodySide::Response, Some(&call.response_body)),
            (BodySide::ClientRequest, client.map(|(request, _)| request)),
            (BodySide::ClientResponse, client.map(|(_, response)| response)),
        ];
        for (side, info) in sides {
            let (Some(info), Some(body)) = (info, self.body(id, side).await?) else { continue };
            found.bodies += 1;
            found.bytes += body.len() as u64;
            if body.len() as u64 != info.stored_bytes {
                let what = format!(
                    "A body of call {id} has {} bytes and should have {}.",
                    body.len(),
                    info.stored_bytes
                );
                found.problem(what, format!("{RESTORE} Or give it up: llmflow delete --call {id}"));
            } else if let Some(same) = is_as_sent(info, &body) {
                found.hashed += 1;
                if !same {
                    let what = format!("A body of call {id} is not what was sent: its hash is another.");
                    found.problem(what, format!("{RESTORE} Or give it up: llmflow delete --call {id}"));
                }
            }
        }
        Ok(())
    }

    async fn verify_reports(&self, found: &mut Verified) -> Result<(), StoreError> {
        let mut records = Records::new(self);
        for (table, first) in [("span", true), ("log", false)] {
            let (mut a, mut b) = (i64::MIN, i64::MIN);
            loop {
                let select = match first {
                    true => {
                        "SELECT trace, id, place FROM span WHERE (trace, id) > (?, ?) ORDER BY trace, id LIMIT ?"
                    }
                    false => {
                        "SELECT time_ns, hash, place FROM log WHERE (time_ns, hash) > (?, ?) ORDER BY time_ns, hash LIMIT ?"
                    }
                };
                let rows = sqlx::query_as(select).bind(a).bind(b).bind(ROWS);
                let rows: Vec<(i64, i64, i64)> = rows.fetch_all(&self.inner.read).await?;
                let Some((last_a, last_b, _)) = rows.last() else { break };
                (a, b) = (*last_a, *last_b);
                for (_, _, place) in rows {
                    let read = match first {
                        true => records.get::<Span>(place).await.map(drop),
                        false => records.get::<LogRecord>(place).await.map(drop),
                    };
                    match read {
                        Ok(()) => found.reports += 1,
                        Err(error) if error.is_damage() => found.problem(
                            format!("A record of table {table} cannot be read: {}.", error.reason()),
                            RESTORE,
                        ),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(())
    }

    /// What one table says of another is so.
    async fn verify_tables(&self, found: &mut Verified) -> Result<(), StoreError> {
        const CHECKS: [(&str, &str); 7] = [
            (
                "{} records of calls belong to no call",
                "SELECT count(*) FROM call_record WHERE seq NOT IN (SELECT seq FROM call)",
            ),
            (
                "{} calls have no record",
                "SELECT count(*) FROM call WHERE sources & 1 = 1 AND state NOT IN ('open', 'lost') \
                 AND seq NOT IN (SELECT seq FROM call_record UNION ALL SELECT seq FROM call_detail)",
            ),
            (
                "{} entries of the search are of no call",
                "SELECT count(*) FROM call_words_docsize WHERE id NOT IN (SELECT seq FROM call)",
            ),
            (
                "{} traces count other spans than they have",
                "SELECT count(*) FROM trace LEFT JOIN (SELECT trace, count(*) AS there FROM span GROUP BY trace) \
                 AS counted ON counted.trace = trace.key WHERE trace.spans != coalesce(counted.there, 0)",
            ),
            (
                "{} spans are of no trace",
                "SELECT count(*) FROM span WHERE trace NOT IN (SELECT key FROM trace)",
            ),
            (
                "{} calls name a session that is not there",
                "SELECT count(*) FROM call WHERE session IS NOT NULL AND session NOT IN (SELECT key FROM session)",
            ),
            (
                "{} packs are needed and not there",
                "SELECT count(*) FROM pack_edge WHERE target NOT IN (SELECT id FROM pack) AND source IN (SELECT id FROM pack)",
            ),
        ];
        for (what, check) in CHECKS {
            let count: i64 = sqlx::query_scalar(check).fetch_one(&self.inner.read).await?;
            if count > 0 {
                found.problem(format!("{}.", what.replace("{}", &count.to_string())), RESTORE);
            }
        }
        Ok(())
    }
}

/// Whether a pack is as it was written; else what is not.
async fn is_whole(reader: &mut Reader<'_>, id: i64, listed: &[u8]) -> Result<Result<(), String>, StoreError> {
    let read = async || {
        let Some(raw) = reader.whole(id).await? else { return Ok(()) };
        for (key, met) in listing(id, listed)? {
            let bytes = slice(&raw, met.place.at, met.place.len)?;
            // Of a chain the hash is that of its elements.
            if met.depth == 0 && !blake3::hash(bytes).as_bytes().starts_with(&key) {
                return Err(StoreError::Damaged("a stretch is not what its hash says"));
            }
        }
        Ok(())
    };
    match { read }().await {
        Ok(()) => Ok(Ok(())),
        Err(error) if error.is_damage() => Ok(Err(error.reason())),
        Err(error) => Err(error),
    }
}

/// Whether the bytes are those of the wire; `None` when they need not be: they were unpacked, cut, or a secret was.
fn is_as_sent(info: &BodyInfo, body: &[u8]) -> Option<bool> {
    let sent = info.wire_sha256.as_deref()?;
    let exact = !info.cut && !info.inexact && info.wire_bytes == body.len() as u64;
    let plain = info.encoding.as_deref().is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
    let hash = crate::telemetry::hex(&Sha256::digest(Bytes::copy_from_slice(body)));
    (exact && plain).then_some(hash == sent)
}
