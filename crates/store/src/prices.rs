//! Price tables that were taken in: each with what was new or changed in it. Leaves out what they mean (`model::pricing`).

use api::PriceRefresh;
use sqlx::Row;

use crate::{Store, StoreError};

/// Nothing larger is unpacked.
const LARGEST: usize = 64 << 20;

/// A table that was taken in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredTable {
    /// What is known of it.
    pub refresh: PriceRefresh,
    /// What was new or changed in it, in LiteLLM's format.
    pub json: Vec<u8>,
}

impl Store {
    /// Keeps a table.
    pub async fn put_price_table(&self, table: &StoredTable) -> Result<(), StoreError> {
        let StoredTable { refresh, json } = table;
        let packed = zstd::bulk::compress(json, 9).map_err(|error| StoreError::Database(Box::new(error)))?;
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        sqlx::query(
            "INSERT INTO price_table (at_ms, source, valid_from, sha256, models, new_models, changed, some, bytes) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(refresh.at_ms)
        .bind(&refresh.source)
        .bind(&refresh.valid_from)
        .bind(&refresh.sha256)
        .bind(number(refresh.models))
        .bind(number(refresh.new))
        .bind(number(refresh.changed))
        .bind(serde_json::to_string(&refresh.some)?)
        .bind(packed)
        .execute(writer.connection()?)
        .await?;
        Ok(())
    }

    /// Every table that was taken in, the oldest first.
    pub async fn price_tables(&self) -> Result<Vec<StoredTable>, StoreError> {
        let rows = sqlx::query("SELECT * FROM price_table ORDER BY id").fetch_all(&self.inner.read).await?;
        let mut tables = Vec::with_capacity(rows.len());
        for row in rows {
            let count = |column: &str| Ok::<_, StoreError>(row.try_get::<i64, _>(column)?.unsigned_abs());
            let packed: &[u8] = row.try_get("bytes")?;
            let json = zstd::bulk::decompress(packed, LARGEST)
                .map_err(|_| StoreError::Damaged("a price table cannot be unpacked"))?;
            let refresh = PriceRefresh {
                at_ms: row.try_get("at_ms")?,
                source: row.try_get("source")?,
                valid_from: row.try_get("valid_from")?,
                sha256: row.try_get("sha256")?,
                models: count("models")?,
                new: count("new_models")?,
                changed: count("changed")?,
                some: serde_json::from_str(row.try_get("some")?)?,
                dry_run: false,
            };
            tables.push(StoredTable { refresh, json });
        }
        Ok(tables)
    }
}
