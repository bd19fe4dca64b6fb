//! What takes space. Leaves out what is to go (`retention`).

use api::{Storage, StoragePart};
use sqlx::{QueryBuilder, Sqlite};

use crate::{Store, StoreError};

/// A name, tables, and the table whose rows are counted with what has to hold of them.
type Part = (&'static str, &'static [&'static str], Option<(&'static str, &'static str)>);

/// What is told of together: its name, its tables, and what counts its rows.
const PARTS: [Part; 7] = [
    ("bodies", &["pack", "pack_edge", "pack_dirty", "call_record"], None),
    ("calls", &["call", "session", "call_report", "call_cost", "rollup", "unrecorded"], Some(("call", ""))),
    ("reports", &["report_pack", "report_orphan", "origin", "backlog"], None),
    ("spans", &["span", "trace"], Some(("span", ""))),
    ("logs", &["log"], Some(("log", ""))),
    ("metrics", &["metric", "series", "point"], Some(("point", ""))),
    ("former", &["call_detail", "body", "segment", "node", "text_backlog"], None),
];
const SEARCH: &str = "search";
/// Rows whose sizes are looked at; the others are taken to be like them.
const LOOKED_AT: i64 = 2_000;

impl Store {
    /// What the database holds. Sizes of tables are measured where SQLite keeps count (packs), and estimated from some of
    /// their rows elsewhere; the sum is the file's.
    pub async fn storage(&self) -> Result<Storage, StoreError> {
        let (pages, free, size) = self.pages().await?;
        let mut parts = Vec::new();
        let mut told = 0;
        for (name, tables, counted) in PARTS {
            let mut bytes = 0;
            for table in tables {
                bytes += self.table_bytes(table).await?;
            }
            let rows = match counted {
                Some((table, which)) => Some(self.count(table, which).await?),
                None => None,
            };
            told += bytes;
            if bytes > 0 || rows.is_some_and(|rows| rows > 0) {
                parts.push(StoragePart { name: name.to_owned(), bytes, rows });
            }
        }
        let search = self.table_bytes("call_words_data").await?
            + self.table_bytes("call_text_data").await?
            + self.table_bytes("log_words_data").await?;
        told += search;
        parts.push(StoragePart { name: SEARCH.to_owned(), bytes: search, rows: None });
        let used = pages.saturating_sub(free).saturating_mul(size);
        // Indices, and what pages are not filled with.
        parts.push(StoragePart { name: "other".to_owned(), bytes: used.saturating_sub(told), rows: None });
        parts.sort_by_key(|part| std::cmp::Reverse(part.bytes));
        let oldest =
            sqlx::query_scalar("SELECT min(started_ms) FROM call").fetch_one(&self.inner.read).await?;
        Ok(Storage {
            disk_bytes: self.disk_bytes(),
            free_bytes: free.saturating_mul(size),
            parts,
            oldest_ms: oldest,
            ..Storage::default()
        })
    }

    /// About how many bytes a table's rows take: what some of them take, times how many there are.
    async fn table_bytes(&self, table: &'static str) -> Result<u64, StoreError> {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(table)
            .fetch_all(&self.inner.read)
            .await?;
        let mut query = QueryBuilder::<Sqlite>::new("SELECT coalesce(sum(");
        for (number, column) in columns.iter().enumerate() {
            // A number takes a few bytes, whatever it says.
            let plus = if number > 0 { " + " } else { "" };
            query.push(format_args!(
                "{plus}CASE typeof(\"{column}\") WHEN 'text' THEN octet_length(\"{column}\") + 1 \
                 WHEN 'blob' THEN octet_length(\"{column}\") + 2 WHEN 'null' THEN 1 ELSE 6 END"
            ));
        }
        query.push("), 0), count(*) FROM (SELECT * FROM ").push(table).push(" LIMIT ");
        query.push_bind(LOOKED_AT).push(")");
        let (bytes, looked): (i64, i64) =
            query.build_query_as().persistent(false).fetch_one(&self.inner.read).await?;
        if looked < LOOKED_AT {
            return Ok(bytes.unsigned_abs());
        }
        let rows = self.count(table, "").await?;
        Ok(bytes.unsigned_abs().saturating_mul(rows) / looked.unsigned_abs())
    }
}
