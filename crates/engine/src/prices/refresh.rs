//! Taking in a newer price table, from an address or a file, when somebody asks for it or the settings allow it. A table
//! that is broken, too large or makes no sense is refused, and the prices stay what they were.

use std::io::Read;
use std::path::Path;
use std::time::{Duration, SystemTime};

use api::{ApiError, ErrorKind, Event, PriceOrigin, PriceRefresh, RepriceScope};
use model::pricing::{Differences, PriceTable, Prices, day_begins, day_of, only};
use sha2::{Digest, Sha256};
use store::StoredTable;

use super::lock;
use crate::Engine;
use crate::events::hex;
use crate::pipeline::millis;

/// A table larger than this is no table: LiteLLM's has 3 MB.
const LARGEST: usize = 32 << 20;
/// Models in a table.
const MOST: usize = 200_000;
/// Names of models that are told.
const NAMED: usize = 20;
/// Between two refreshes that unknown models set off.
const APART: Duration = Duration::from_secs(6 * 3_600);

impl Engine {
    /// Takes in the table at `from`, an address or a file's path; `None` for the address in the settings.
    pub(crate) async fn refresh_prices(
        &self,
        from: Option<&str>,
        valid_from: Option<String>,
        dry_run: bool,
    ) -> Result<PriceRefresh, ApiError> {
        let shelf = &self.inner.prices;
        let Ok(_turn) = shelf.inner.changing.try_lock() else {
            return Err(ApiError::new(
                ErrorKind::Unavailable,
                "Prices are being changed already. Try again when that is done.",
            ));
        };
        let at_ms = millis(SystemTime::now());
        let valid_from = valid_from.unwrap_or_else(|| day_of(at_ms));
        if day_begins(&valid_from).is_none() {
            let wanted = format!("{valid_from:?} is no day, such as 2026-01-31");
            return Err(ApiError::parameter("valid_from", wanted));
        }
        let live = self.live();
        let source = from.unwrap_or(&live.prices_url).trim().to_owned();
        let json = self.price_document(&source).await?;
        let now = shelf.now();
        let day = valid_from.clone();
        let refused = |reason: String| {
            ApiError::new(
                ErrorKind::BadRequest,
                format!("The table at {source} is refused: {reason}. The prices stay as they were."),
            )
        };
        let looked = self.inner.tracker.spawn_blocking(move || look(&now, &json, &day)).await;
        let (table, looked, changes) = looked
            .map_err(|_| refused("LLMFlow could not read it, by a fault of its own".to_owned()))?
            .map_err(refused)?;
        let refresh = PriceRefresh { at_ms, source, valid_from, dry_run, ..looked };
        if dry_run || refresh.new + refresh.changed == 0 {
            return Ok(refresh);
        }
        let stored = StoredTable { refresh: refresh.clone(), json: changes.into_bytes() };
        self.inner.store.put_price_table(&stored).await.map_err(crate::commands::internal)?;
        let from_ms = day_begins(&refresh.valid_from).unwrap_or(at_ms);
        shelf.change(|prices| prices.add(table, from_ms, PriceOrigin::Refreshed));
        lock(&shelf.inner.refreshes).push(refresh.clone());
        tracing::info!(
            source = refresh.source,
            new = refresh.new,
            changed = refresh.changed,
            "prices were refreshed"
        );
        self.inner.events.send(Event::PricesChanged);
        Ok(refresh)
    }

    async fn price_document(&self, source: &str) -> Result<Vec<u8>, ApiError> {
        let unreachable = |reason: String| {
            ApiError::new(ErrorKind::Unavailable, format!("{reason} The prices stay as they were."))
        };
        if source.starts_with("https://") || source.starts_with("http://") {
            let outbound = self.inner.settings.outbound().map_err(|wanted| {
                ApiError::new(ErrorKind::BadRequest, format!("The setting upstream_proxy is not {wanted}."))
            })?;
            let fetched = proxy::fetch(&outbound, self.inner.upstreams.own_ports(), source, LARGEST).await;
            return fetched.map(|bytes| bytes.to_vec()).map_err(unreachable);
        }
        let path = Path::new(source).to_owned();
        if !path.is_absolute() {
            let wanted = format!("{source:?} is neither an https:// address nor the whole path of a file");
            return Err(ApiError::parameter("from", wanted));
        }
        let read = self.inner.tracker.spawn_blocking(move || read_file(&path)).await;
        read.map_err(|error| error.to_string())
            .and_then(|read| read)
            .map_err(|reason| unreachable(format!("{source} cannot be read: {reason}.")))
    }

    /// Refreshes prices when a model without one is met, as long as the settings allow it.
    pub(crate) async fn refresh_for_unknown(self) {
        let mut last: Option<std::time::Instant> = None;
        loop {
            tokio::select! {
                () = self.inner.quiet.cancelled() => return,
                () = self.inner.prices.met_unknown() => {}
            }
            let is_due = last.is_none_or(|last| last.elapsed() >= APART);
            if !self.live().prices_refresh_unknown || !is_due {
                continue;
            }
            last = Some(std::time::Instant::now());
            match self.refresh_prices(None, None, false).await {
                Ok(refresh) if refresh.new > 0 => {
                    let scope = RepriceScope { unknown_only: true, ..RepriceScope::default() };
                    if let Err(error) = self.reprice(scope, false, "an unknown model").await {
                        tracing::warn!(error = error.error, "unknown calls are not priced again");
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = error.error, "prices could not be refreshed for an unknown model");
                }
            }
        }
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let said = |error: std::io::Error| error.to_string();
    let about = std::fs::metadata(path).map_err(said)?;
    if !about.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut bytes = Vec::new();
    let most = LARGEST as u64 + 1;
    std::fs::File::open(path).map_err(said)?.take(most).read_to_end(&mut bytes).map_err(said)?;
    if bytes.len() > LARGEST {
        return Err(format!("it is larger than {} MB", LARGEST >> 20));
    }
    Ok(bytes)
}

/// Reads a table and says what is new in it. An error says why it is refused.
fn look(now: &Prices, json: &[u8], day: &str) -> Result<(PriceTable, PriceRefresh, String), String> {
    let whole = PriceTable::parse(json, day).map_err(|error| error.to_string())?;
    let models = whole.len();
    if models > MOST {
        return Err(format!("it has {models} models, and no more than {MOST} are taken"));
    }
    if whole.priced() == 0 {
        return Err("no model in it has a price".to_owned());
    }
    if whole.keys().any(|key| key.len() > 256 || key.chars().any(char::is_control)) {
        return Err("it has models whose names are too long or no text".to_owned());
    }
    let Differences { new, changed, .. } = now.differences(&whole);
    let keys: Vec<String> = new.iter().chain(&changed).cloned().collect();
    let changes = only(json, &keys).map_err(|error| error.to_string())?;
    // What is kept is read like this again at the next start.
    let table = PriceTable::parse(changes.as_bytes(), day).map_err(|error| error.to_string())?;
    let refresh = PriceRefresh {
        sha256: hex(&Sha256::digest(json)),
        models: models as u64,
        new: new.len() as u64,
        changed: changed.len() as u64,
        some: changed.iter().chain(&new).take(NAMED).cloned().collect(),
        ..PriceRefresh::default()
    };
    Ok((table, refresh, changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_makes_no_sense_is_refused() {
        let now = Prices::new(&[("2026-01-01", br#"{"m": {"input_cost_per_token": 1e-6}}"#)]).unwrap();
        let deep = "[".repeat(100_000);
        let long = format!(r#"{{"{}": {{"input_cost_per_token": 1}}}}"#, "m".repeat(300));
        for json in
            ["", "<html>", "[]", "{}", r#"{"m": {}}"#, r#"{"m": {"input_cost_per_token": -1}}"#, &deep, &long]
        {
            assert!(look(&now, json.as_bytes(), "2026-02-01").is_err(), "{}", json.get(..40).unwrap_or(json));
        }
        let json = r#"{"m": {"input_cost_per_token": 2e-6}, "n": {"input_cost_per_token": 1e-6}}"#;
        let (table, refresh, changes) = look(&now, json.as_bytes(), "2026-02-01").unwrap();
        assert_eq!((table.len(), refresh.new, refresh.changed), (2, 1, 1));
        assert_eq!(refresh.some, ["m", "n"]);
        assert!(changes.contains("2e-6"));
    }
}
