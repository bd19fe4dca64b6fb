//! Taking into the index of words what is not in it yet: log records after they are stored, and all calls once more when
//! words are cut in another way or the index is to be made again. In small steps beside recording; a step reads and
//! writes while it has the writer, so that nothing deleted meanwhile comes back. Leaves out who calls (the engine).

use sqlx::{Connection, QueryBuilder, Sqlite};

use crate::telemetry::{CANDIDATES, Candidate, LogTexts};
use crate::words::Distinct;
use crate::write::BEGIN;
use crate::{Store, StoreError, text};

/// Calls of one step: some tens of milliseconds.
const CALLS: i64 = 32;
/// Log records of one step.
const LOGS: i64 = 256;

impl Store {
    /// Takes something into the index that is not in it yet; whether there was anything.
    pub async fn index_step(&self) -> Result<bool, StoreError> {
        if self.index_some().await? > 0 || self.index_logs().await? {
            return Ok(true);
        }
        self.index_calls().await
    }

    /// Empties the index; [`Store::index_step`] fills it again, and until then finds less, as the lag says.
    pub async fn rebuild_search(&self) -> Result<(), StoreError> {
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let mut transaction = writer.connection()?.begin_with(BEGIN).await?;
        sqlx::raw_sql(
            "INSERT INTO call_words (call_words) VALUES ('delete-all'); \
             INSERT INTO log_words (log_words) VALUES ('delete-all'); \
             UPDATE upkeep SET value = 0 WHERE name = 'logs_indexed'; \
             UPDATE upkeep SET value = (SELECT coalesce(max(seq) + 1, 0) FROM call) WHERE name = 'calls_to_index'",
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        self.inner.forget_all();
        Ok(())
    }

    async fn index_logs(&self) -> Result<bool, StoreError> {
        let waits = "SELECT EXISTS (SELECT 1 FROM log INDEXED BY log_place WHERE place > \
            (SELECT value FROM upkeep WHERE name = 'logs_indexed'))";
        if !sqlx::query_scalar(waits).fetch_one(&self.inner.read).await? {
            return Ok(false);
        }
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let connection = writer.connection()?;
        let mut after = QueryBuilder::<Sqlite>::new(CANDIDATES);
        after.push(
            " INDEXED BY log_place WHERE place > (SELECT value FROM upkeep WHERE name = 'logs_indexed') \
             ORDER BY place LIMIT ",
        );
        after.push_bind(LOGS);
        let rows: Vec<Candidate> = after.build_query_as().fetch_all(&mut *connection).await?;
        let Some(last) = rows.last().map(|row| row.place) else { return Ok(false) };
        let (mut logs, mut distinct, mut words) = (LogTexts::new(self), Distinct::default(), Vec::new());
        for row in rows {
            let place = row.place;
            match logs.of(row).await {
                Ok(texts) => words.push((place, text::words_of(&mut distinct, &texts))),
                Err(error) if error.is_damage() => {
                    tracing::warn!(place, %error, "a log record cannot be read, and is not found by its words");
                }
                Err(error) => return Err(error),
            }
        }
        let mut transaction = connection.begin_with(BEGIN).await?;
        let words: Vec<(i64, &str)> = words.iter().map(|(place, words)| (*place, words.as_str())).collect();
        text::put_logs(&mut transaction, &words).await?;
        set(&mut transaction, "logs_indexed", last).await?;
        transaction.commit().await?;
        drop(writer);
        self.inner.pace.give_way();
        Ok(true)
    }

    async fn index_calls(&self) -> Result<bool, StoreError> {
        if self.upkeep("calls_to_index").await? == 0 {
            return Ok(false);
        }
        let mut writer = self.inner.writer.lock().await;
        writer.reconnect().await?;
        let connection = writer.connection()?;
        // Calls of former versions stay in the index of theirs.
        let below = "SELECT seq FROM call WHERE seq < (SELECT value FROM upkeep WHERE name = 'calls_to_index') \
            AND state != 'open' AND seq NOT IN (SELECT seq FROM call_detail) ORDER BY seq DESC LIMIT ?";
        let seqs: Vec<i64> = sqlx::query_scalar(below).bind(CALLS).fetch_all(&mut *connection).await?;
        let (mut distinct, mut words) = (Distinct::default(), Vec::new());
        for seq in &seqs {
            match self.texts_of(&[*seq]).await {
                Ok(texts) => words
                    .extend(texts.iter().map(|(seq, texts)| (*seq, text::words_of(&mut distinct, texts)))),
                Err(error) if error.is_damage() => {
                    tracing::warn!(seq, %error, "a call cannot be read, and is not found by its words");
                }
                Err(error) => return Err(error),
            }
        }
        let mut transaction = connection.begin_with(BEGIN).await?;
        let words: Vec<(i64, &str)> = words.iter().map(|(seq, words)| (*seq, words.as_str())).collect();
        text::put_again(&mut transaction, &words).await?;
        set(&mut transaction, "calls_to_index", seqs.last().copied().unwrap_or_default()).await?;
        transaction.commit().await?;
        drop(writer);
        // A search that began meanwhile did not find them.
        self.inner.scans.changed(&seqs);
        self.inner.pace.give_way();
        Ok(true)
    }
}

async fn set(connection: &mut sqlx::SqliteConnection, name: &str, value: i64) -> Result<(), StoreError> {
    let update = sqlx::query("UPDATE upkeep SET value = ? WHERE name = ?").bind(value).bind(name);
    update.execute(connection).await?;
    Ok(())
}
