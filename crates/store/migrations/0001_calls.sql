-- Calls, their details, and the segments their bodies are made of.

-- The hot row: what lists, filters and totals read. Times are UTC; money is pico-dollars; tokens are exclusive buckets.
CREATE TABLE call (
    seq             INTEGER PRIMARY KEY,
    id              BLOB    NOT NULL UNIQUE,
    started_ms      INTEGER NOT NULL,
    duration_us     INTEGER,
    first_byte_us   INTEGER,
    first_token_us  INTEGER,
    state           TEXT    NOT NULL,
    failed          INTEGER NOT NULL,
    provider        TEXT    NOT NULL,
    operation       TEXT    NOT NULL,
    client          TEXT,
    method          TEXT    NOT NULL,
    path            TEXT    NOT NULL,
    status          INTEGER,
    model           TEXT,
    title           TEXT,
    streamed        INTEGER NOT NULL,
    input           INTEGER,
    cache_read      INTEGER,
    cache_write_5m  INTEGER,
    cache_write_1h  INTEGER,
    output          INTEGER,
    reasoning       INTEGER,
    usage_source    TEXT    NOT NULL,
    cost            INTEGER,
    cost_source     TEXT    NOT NULL,
    finish_reason   TEXT,
    error           TEXT,
    session_id      TEXT,
    trace_id        TEXT,
    parent_id       TEXT,
    tags            TEXT
) STRICT;

CREATE INDEX call_started ON call (started_ms);
CREATE INDEX call_model ON call (model, id);
CREATE INDEX call_failed ON call (id) WHERE failed = 1;
CREATE INDEX call_unpriced ON call (id) WHERE cost_source = 'unknown';
CREATE INDEX call_session ON call (session_id, id) WHERE session_id IS NOT NULL;
CREATE INDEX call_trace ON call (trace_id, id) WHERE trace_id IS NOT NULL;
CREATE INDEX call_open ON call (seq) WHERE state = 'open';

-- The rest of a call, read one at a time. JSON columns hold the shapes of the `api` crate.
CREATE TABLE call_detail (
    seq             INTEGER PRIMARY KEY,
    upstream        TEXT    NOT NULL,
    query           TEXT,
    http_version    TEXT    NOT NULL,
    requested_model TEXT,
    response_id     TEXT,
    request_id      TEXT,
    credential      TEXT,
    headers         BLOB    NOT NULL, -- zstd of JSON [request headers, response headers]
    cost            TEXT    NOT NULL, -- JSON
    timing          BLOB    NOT NULL, -- zstd of JSON
    request_body    INTEGER,
    response_body   INTEGER
) STRICT;

-- A body: what is known of it, and how its bytes are put together (see store/src/layout.rs).
CREATE TABLE body (
    id     INTEGER PRIMARY KEY,
    info   TEXT NOT NULL, -- JSON
    layout BLOB NOT NULL
) STRICT;

-- A stretch of bytes, stored once.
CREATE TABLE segment (
    id      INTEGER PRIMARY KEY,
    hash    BLOB    NOT NULL UNIQUE, -- blake3 of the raw bytes
    raw_len INTEGER NOT NULL,
    packed  INTEGER NOT NULL,        -- 1 when `bytes` is zstd
    bytes   BLOB    NOT NULL
) STRICT;

-- The prefix chain: an array of a body is the path from a root to one node, an element a node.
CREATE TABLE node (
    id      INTEGER PRIMARY KEY,
    key     BLOB    NOT NULL UNIQUE, -- hash of the parent's key, the segment and the patch
    parent  INTEGER,                 -- NULL at the first element
    segment INTEGER NOT NULL,
    patch   BLOB                     -- cache markers put back at their offsets
) STRICT;

-- Full text of what each call said first, indexed after the call is committed.
CREATE VIRTUAL TABLE call_text USING fts5 (
    text, content = '', contentless_delete = 1, tokenize = "unicode61 remove_diacritics 2"
);
CREATE TABLE text_backlog (
    seq      INTEGER PRIMARY KEY,
    segments BLOB NOT NULL, -- ids of the segments this call introduced
    answer   TEXT NOT NULL
) STRICT;
