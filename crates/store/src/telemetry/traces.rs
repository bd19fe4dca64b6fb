//! Rows of the table `trace`: finding and numbering them, and adding up what a batch's spans change of them.

use std::collections::HashMap;

use model::telemetry::wire::TraceId;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::keys::{Keys, Trace};
use super::prepare::tell;
use super::spans::{FAILED, INFRASTRUCTURE, Keyed};
use crate::StoreError;
use crate::row::statements;

/// Rows in one statement, of 18 columns each.
const ROWS: usize = 64;
/// Ids looked up in one statement.
const IDS: usize = 256;

/// What a batch says of one trace.
#[derive(Debug)]
pub(super) struct Sum {
    pub(super) id: TraceId,
    key: i64,
    first_ns: i64,
    last_ns: i64,
    pub(super) spans: i64,
    infrastructure: i64,
    errors: i64,
    root: Option<Root>,
    pub(super) session: Option<(i64, String)>,
    pub(super) client: Option<(i64, String)>,
}

#[derive(Debug)]
struct Root {
    rank: (bool, i64, i64),
    name: String,
    label: Option<String>,
    kind: i64,
    origin: i64,
}

impl Sum {
    pub(super) fn new(id: TraceId, key: i64) -> Self {
        Self {
            id,
            key,
            // Nothing yet: what comes is earlier and later.
            first_ns: i64::MAX,
            last_ns: i64::MIN,
            spans: 0,
            infrastructure: 0,
            errors: 0,
            root: None,
            session: None,
            client: None,
        }
    }

    /// Adds a span that was not there.
    pub(super) fn add(&mut self, span: &Keyed<'_>) {
        let row = span.row;
        self.first_ns = self.first_ns.min(row.start_ns);
        self.last_ns = self.last_ns.max(row.start_ns.saturating_add(row.duration_ns.max(0)));
        self.spans += 1;
        self.infrastructure += i64::from(row.flags & INFRASTRUCTURE != 0);
        self.errors += i64::from(row.flags & FAILED != 0);
        let rank = (row.parent.is_some(), row.start_ns, row.id);
        if self.root.as_ref().is_none_or(|root| rank < root.rank) {
            let (name, label) = (row.name.clone(), row.label.clone());
            self.root = Some(Root { rank, name, label, kind: row.kind, origin: span.origin });
        }
    }

    /// Whether its spans say more of it than that they are there.
    pub(super) fn says_more(&self) -> bool {
        self.session.is_some() || self.client.is_some()
    }

    /// Adds what its spans say of it.
    pub(super) fn tell(&mut self, session: Option<&(i64, String)>, client: Option<&(i64, String)>) {
        for (known, said) in [(&mut self.session, session), (&mut self.client, client)] {
            if let Some((at, said)) = said {
                tell(known, *at, Some(said.clone()));
            }
        }
    }
}

/// The rows of these traces, new ones numbered.
pub(super) async fn find(
    connection: &mut SqliteConnection,
    keys: &mut Keys,
    ids: impl Iterator<Item = TraceId>,
) -> Result<HashMap<TraceId, Trace>, StoreError> {
    let (mut found, mut unknown) = (HashMap::new(), Vec::new());
    for id in ids {
        if found.contains_key(&id) {
            continue;
        }
        let known = keys.traces.get(&id);
        if known.is_none() {
            unknown.push(id);
        }
        found.insert(id, known);
    }
    for some in statements(&unknown, IDS) {
        let mut query = QueryBuilder::<Sqlite>::new("SELECT id, key, spans > 0 FROM trace WHERE id IN (");
        let mut list = query.separated(", ");
        for id in some {
            list.push_bind(id.to_vec());
        }
        query.push(")");
        let rows: Vec<(Vec<u8>, i64, bool)> = query.build_query_as().fetch_all(&mut *connection).await?;
        for (id, key, listed) in rows {
            let id = TraceId::try_from(id).map_err(|_| StoreError::Damaged("a trace's id is malformed"))?;
            keys.traces.put(id, Trace { key, listed });
            found.insert(id, Some(Trace { key, listed }));
        }
    }
    // In the order in which they came: what comes together is written together.
    for id in unknown {
        let trace = found.entry(id).or_default();
        if trace.is_none() {
            let new = Trace { key: keys.traces.next(), listed: false };
            keys.traces.put(id, new);
            *trace = Some(new);
        }
    }
    Ok(found.into_iter().filter_map(|(id, trace)| Some((id, trace?))).collect())
}

/// Adds sums to their rows, which are made where there are none.
pub(super) async fn put(connection: &mut SqliteConnection, sums: &[&Sum]) -> Result<(), StoreError> {
    for some in statements(sums, ROWS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "INSERT INTO trace (key, id, first_ns, last_ns, spans, infra, errors, root_inner, root_start_ns, root_id, \
             root_name, root_label, root_type, origin, session, session_ns, client, client_ns) ",
        );
        query.push_values(some, |mut row, sum| {
            row.push_bind(sum.key).push_bind(sum.id.to_vec()).push_bind(sum.first_ns).push_bind(sum.last_ns);
            row.push_bind(sum.spans).push_bind(sum.infrastructure).push_bind(sum.errors);
            let root = sum.root.as_ref();
            let (inner, start_ns, id) = root
                .map_or((2, i64::MAX, i64::MAX), |root| (i64::from(root.rank.0), root.rank.1, root.rank.2));
            row.push_bind(inner).push_bind(start_ns).push_bind(id);
            row.push_bind(root.map(|root| root.name.as_str()).unwrap_or_default())
                .push_bind(root.and_then(|root| root.label.as_deref()))
                .push_bind(root.map_or(0, |root| root.kind))
                .push_bind(root.map(|root| root.origin));
            for said in [&sum.session, &sum.client] {
                row.push_bind(said.as_ref().map(|(_, word)| word.as_str()));
                row.push_bind(said.as_ref().map_or(i64::MAX, |(at, _)| *at));
            }
        });
        query.push(ADD);
        query.build().execute(&mut *connection).await?;
    }
    Ok(())
}

/// The root is the one with the least rank; a word is the earliest one's. So no order of arrival matters.
const ADD: &str = " ON CONFLICT (key) DO UPDATE SET \
    first_ns = min(first_ns, excluded.first_ns), last_ns = max(last_ns, excluded.last_ns), \
    spans = spans + excluded.spans, infra = infra + excluded.infra, errors = errors + excluded.errors, \
    (root_inner, root_start_ns, root_id, root_name, root_label, root_type, origin) = (\
        SELECT * FROM (VALUES \
            (root_inner, root_start_ns, root_id, root_name, root_label, root_type, trace.origin), \
            (excluded.root_inner, excluded.root_start_ns, excluded.root_id, excluded.root_name, \
             excluded.root_label, excluded.root_type, excluded.origin)\
        ) ORDER BY 1, 2, 3 LIMIT 1), \
    session = CASE WHEN session IS NULL OR (excluded.session_ns, excluded.session) < (session_ns, session) \
        THEN coalesce(excluded.session, session) ELSE session END, \
    session_ns = min(session_ns, excluded.session_ns), \
    client = CASE WHEN client IS NULL OR (excluded.client_ns, excluded.client) < (client_ns, client) \
        THEN coalesce(excluded.client, client) ELSE client END, \
    client_ns = min(client_ns, excluded.client_ns)";

/// Proxied calls whose headers named one of these traces before its first span came stand in it from now on.
pub(super) async fn adopt_calls(
    connection: &mut SqliteConnection,
    traces: &[TraceId],
    keys: &mut Keys,
) -> Result<(), StoreError> {
    for some in statements(traces, IDS) {
        let mut query = QueryBuilder::<Sqlite>::new(
            "UPDATE call SET trace = (SELECT key FROM trace WHERE trace.id = unhex(call.trace_id)) \
             WHERE trace IS NULL AND trace_id IN (",
        );
        let mut list = query.separated(", ");
        for id in some {
            list.push_bind(super::hex(id));
        }
        query.push(")");
        query.build().execute(&mut *connection).await?;
    }
    for id in traces {
        let Some(name) = keys.names.get(id) else { continue };
        let adopt = "UPDATE call SET trace = (SELECT key FROM trace WHERE trace.id = ?) \
            WHERE trace IS NULL AND trace_id = ?";
        sqlx::query(adopt).bind(id.to_vec()).bind(&*name).execute(&mut *connection).await?;
    }
    Ok(())
}
