//! Rows of the table `session`. Leaves out listing them (`sessions`).

use api::{CallSummary, SessionSource};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use super::Joined;
use super::known::Known;
use crate::StoreError;

/// Rows in one statement: 10 columns each, and SQLite takes 32,766 values.
const ROWS: usize = 500;

/// A session as it is remembered.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) key: i64,
    pub(super) id: String,
    provider: String,
    holder: String,
    source: String,
    client: Option<String>,
    title: Option<String>,
    pub(super) root: Option<i64>,
    first_ms: i64,
    last_ms: i64,
}

impl Session {
    pub(super) fn new(
        key: i64,
        (id, provider, holder): &(String, String, String),
        source: SessionSource,
        first_ms: i64,
    ) -> Self {
        Self {
            key,
            id: id.clone(),
            provider: provider.clone(),
            holder: holder.clone(),
            source: source.as_str().to_owned(),
            client: None,
            title: None,
            root: None,
            first_ms,
            last_ms: first_ms,
        }
    }

    /// What makes it this session and no other.
    pub(super) fn identity(&self) -> (String, String, String) {
        (self.id.clone(), self.provider.clone(), self.holder.clone())
    }

    /// Whose it is shows only now.
    pub(super) fn held_by(&mut self, holder: &str) {
        holder.clone_into(&mut self.holder);
    }

    /// When its latest call began.
    pub(super) fn last_ms(&self) -> i64 {
        self.last_ms
    }

    /// The call it was inferred from.
    pub(super) fn begun_by(&mut self, first: &Known) {
        self.client.clone_from(&first.client);
        self.title.clone_from(&first.title);
        self.root = first.root;
    }

    /// A call used it; `root` when the main agent made it. What that one asked first is the title, whatever side calls
    /// were there before it.
    pub(super) fn used_by(&mut self, call: &CallSummary, root: Option<i64>) {
        self.first_ms = self.first_ms.min(call.started_ms);
        self.last_ms = self.last_ms.max(call.started_ms);
        self.client = self.client.take().or_else(|| call.client.clone());
        if self.root.is_none() && root.is_some() {
            self.root = root;
            self.title = call.title.clone().or_else(|| self.title.take());
        }
        self.title = self.title.take().or_else(|| call.title.clone());
    }
}

pub(super) async fn next_session(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    let next = "SELECT coalesce((SELECT max(key) FROM session), 0) + 1";
    Ok(sqlx::query_scalar(next).fetch_one(connection).await?)
}

/// The sessions with these ids, whosever they are, and those with these keys.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    ids: &[&str],
    keys: &[i64],
) -> Result<Vec<Session>, StoreError> {
    let mut found = Vec::new();
    for some in ids.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM session WHERE id IN (");
        let mut list = query.separated(", ");
        for id in some {
            list.push_bind((*id).to_owned());
        }
        list.push_unseparated(")");
        found.extend(query.build().persistent(false).fetch_all(&mut *connection).await?);
    }
    for some in keys.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT * FROM session WHERE key IN (");
        let mut list = query.separated(", ");
        for key in some {
            list.push_bind(*key);
        }
        list.push_unseparated(")");
        found.extend(query.build().persistent(false).fetch_all(&mut *connection).await?);
    }
    found.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Session, StoreError> {
    Ok(Session {
        key: row.try_get("key")?,
        id: row.try_get("id")?,
        provider: row.try_get("provider")?,
        holder: row.try_get("holder")?,
        source: row.try_get("source")?,
        client: row.try_get("client")?,
        title: row.try_get("title")?,
        root: row.try_get("root")?,
        first_ms: row.try_get("first_ms")?,
        last_ms: row.try_get("last_ms")?,
    })
}

/// Puts calls that stood alone into their session.
pub(super) async fn join(connection: &mut SqliteConnection, joined: &[Joined]) -> Result<(), StoreError> {
    for Joined { seq, session, session_id, source, .. } in joined {
        sqlx::query("UPDATE call SET session = ?, session_id = ?, session_source = ? WHERE seq = ?")
            .bind(session)
            .bind(session_id.as_str())
            .bind(source.as_str())
            .bind(seq)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Writes sessions as they are now.
pub(super) async fn put(connection: &mut SqliteConnection, sessions: &[&Session]) -> Result<(), StoreError> {
    for some in sessions.chunks(ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO session (key, id, provider, holder, source, client, title, root, first_ms, last_ms) ",
        );
        query.push_values(some, |mut row, session| {
            row.push_bind(session.key)
                .push_bind(session.id.clone())
                .push_bind(session.provider.clone())
                .push_bind(session.holder.clone())
                .push_bind(session.source.clone())
                .push_bind(session.client.clone())
                .push_bind(session.title.clone())
                .push_bind(session.root)
                .push_bind(session.first_ms)
                .push_bind(session.last_ms);
        });
        query.push(
            " ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, client = excluded.client, title = excluded.title, \
             root = excluded.root, first_ms = excluded.first_ms, last_ms = excluded.last_ms",
        );
        query.build().persistent(false).execute(&mut *connection).await?;
    }
    Ok(())
}
