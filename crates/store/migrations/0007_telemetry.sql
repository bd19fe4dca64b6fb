-- What tools report about themselves: spans, log records and metric points, kept to the last attribute in packs, and
-- of each a narrow row that lists and trees read. Times are nanoseconds since 1970. What a report means was read when it
-- came; nothing here is worked out from attributes.

-- Records of one batch, one after the other, compressed together. A record's `place` is its pack * 2^17 + where it
-- begins there; its length stands before it (see store/src/telemetry/packs.rs).
CREATE TABLE report_pack (
    id      INTEGER PRIMARY KEY,
    raw_len INTEGER NOT NULL,
    bytes   BLOB    NOT NULL -- zstd
) STRICT;

-- Who reported: a resource and an instrumentation in it.
CREATE TABLE origin (
    key     INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE, -- of what is in `body`
    service TEXT,                 -- service.name, else the scope's name
    client  TEXT,                 -- the tool, in the proxy's words
    body    BLOB NOT NULL         -- zstd of the encoded origin
) STRICT;

-- A row may come before its first span, from a log record that names the trace: lists leave those out (spans = 0).
CREATE TABLE trace (
    key           INTEGER PRIMARY KEY,
    id            BLOB    NOT NULL UNIQUE,
    first_ns      INTEGER NOT NULL,
    last_ns       INTEGER NOT NULL,
    spans         INTEGER NOT NULL,
    infra         INTEGER NOT NULL,
    errors        INTEGER NOT NULL,
    -- The root: the earliest span without a parent, else the earliest of all.
    root_inner    INTEGER NOT NULL, -- 1: it has a parent
    root_start_ns INTEGER NOT NULL,
    root_id       INTEGER NOT NULL,
    root_name     TEXT    NOT NULL,
    root_label    TEXT,
    root_type     INTEGER NOT NULL,
    origin        INTEGER,
    -- As the earliest span that says so says.
    session       TEXT,
    session_ns    INTEGER NOT NULL,
    client        TEXT,
    client_ns     INTEGER NOT NULL
) STRICT;
CREATE INDEX trace_started ON trace (first_ns / 1000000, id) WHERE spans > 0;
CREATE INDEX trace_session ON trace (session) WHERE session IS NOT NULL;

CREATE TABLE span (
    trace       INTEGER NOT NULL, -- trace.key
    id          INTEGER NOT NULL, -- its eight bytes as a signed number, big end first
    parent      INTEGER,
    origin      INTEGER NOT NULL,
    start_ns    INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL, -- negative when its end lies before its beginning, or is unknown
    type        INTEGER NOT NULL, -- its number in api::SpanType::ALL
    flags       INTEGER NOT NULL, -- 1 failed, 2 infrastructure, 4 echo
    name        TEXT    NOT NULL,
    label       TEXT,
    ref         TEXT,             -- the id by which a model asked for the tool
    call        INTEGER,          -- call.seq of the call that it is
    place       INTEGER NOT NULL,
    PRIMARY KEY (trace, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    time_ns     INTEGER NOT NULL, -- when it happened, else was noticed, else came
    hash        INTEGER NOT NULL, -- of everything it says, and of how many equal ones stand before it in its request
    origin      INTEGER NOT NULL,
    severity    INTEGER NOT NULL,
    kind        INTEGER NOT NULL, -- its number in model::telemetry::reading::LogKind
    event       TEXT,
    text        TEXT    NOT NULL, -- one line
    trace       INTEGER,          -- trace.key
    span        INTEGER,
    session     TEXT,
    prompt      TEXT,
    agent       TEXT,
    agent_name  TEXT,
    ref         TEXT,             -- the id by which a model asked for the tool
    failed      INTEGER,          -- of a tool's run
    duration_us INTEGER,
    call        INTEGER,          -- call.seq of the call that it tells of
    place       INTEGER NOT NULL,
    PRIMARY KEY (time_ns, hash)
) STRICT, WITHOUT ROWID;
-- What is counted and drawn as bars reads this alone.
CREATE INDEX log_severity ON log (severity, time_ns);
CREATE INDEX log_trace ON log (trace) WHERE trace IS NOT NULL;
CREATE INDEX log_session ON log (session) WHERE session IS NOT NULL;

-- A metric's points that differ in nothing but time.
CREATE TABLE series (
    key         INTEGER PRIMARY KEY,
    hash        BLOB    NOT NULL UNIQUE, -- of origin, name, unit, kind, temporality, monotonic and attributes
    origin      INTEGER NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    unit        TEXT    NOT NULL,
    kind        INTEGER NOT NULL, -- its number in api::MetricKind::ALL
    temporality INTEGER NOT NULL, -- OTLP's number
    monotonic   INTEGER NOT NULL,
    attributes  BLOB    NOT NULL, -- encoded
    metadata    BLOB    NOT NULL  -- encoded
) STRICT;
CREATE INDEX series_name ON series (name);

CREATE TABLE point (
    series   INTEGER NOT NULL,
    time_ns  INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    value    REAL,    -- a double; of a distribution the sum
    int      INTEGER, -- an integer; of a distribution how many measurements
    rest     BLOB,    -- the encoded point without its attributes, where it is more than a number
    PRIMARY KEY (series, time_ns, start_ns)
) STRICT, WITHOUT ROWID;

-- Committed, but not yet joined with calls and sessions: a row a batch. It goes in the transaction that does so.
CREATE TABLE backlog (
    id       INTEGER PRIMARY KEY,
    since_ms INTEGER NOT NULL,
    works    INTEGER NOT NULL, -- how many are in it
    work     BLOB    NOT NULL  -- (see store/src/telemetry/backlog.rs)
) STRICT;

-- Who told of a call (1 the proxy, 2 a span, 4 a log event), and the trace whose tree it stands in: one with spans.
ALTER TABLE call ADD COLUMN sources INTEGER NOT NULL DEFAULT 1;
ALTER TABLE call ADD COLUMN trace INTEGER;              -- trace.key
ALTER TABLE call ADD COLUMN request_key INTEGER;        -- digest of the provider's id of the request
ALTER TABLE call ADD COLUMN client_request_key INTEGER; -- digest of the client's id of the request
CREATE INDEX call_in_trace ON call (trace, operation) WHERE trace IS NOT NULL;

-- What others than the proxy told of a call. Of a span `a` is its trace's key and `b` its id, of a log record its time
-- and its hash.
CREATE TABLE call_report (
    call       INTEGER NOT NULL, -- call.seq
    source     INTEGER NOT NULL, -- as a bit of call.sources
    a          INTEGER NOT NULL,
    b          INTEGER NOT NULL,
    matched_by TEXT,             -- NULL: the first to tell of it
    body       BLOB    NOT NULL, -- JSON of api::CallReport
    PRIMARY KEY (call, source, a, b)
) STRICT, WITHOUT ROWID;
