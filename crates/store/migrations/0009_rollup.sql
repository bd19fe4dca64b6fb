-- What calls add up to by quarter of an hour, kept in the transaction that changes a call (store/src/rollup.rs). A
-- quarter, since every time zone's days and hours begin at one.

-- The columns after `provider` are those of store/src/rollup/measures.rs.
CREATE TABLE rollup (
    dim            INTEGER NOT NULL, -- what `key` is: 1 a model, 2 a tool, 3 a session, 4 a tag, 5 a tool's side calls
    quarter        INTEGER NOT NULL, -- of an hour, since 1970 (UTC)
    key            TEXT    NOT NULL, -- '' for calls without one
    provider       TEXT    NOT NULL,
    calls          INTEGER NOT NULL,
    open           INTEGER NOT NULL,
    lost           INTEGER NOT NULL,
    errors         INTEGER NOT NULL,
    turns          INTEGER NOT NULL,
    -- Tokens, and of how many calls they are known.
    input          INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    reasoning      INTEGER NOT NULL,
    has_input      INTEGER NOT NULL,
    has_cache_read INTEGER NOT NULL,
    has_cache_write_5m INTEGER NOT NULL,
    has_cache_write_1h INTEGER NOT NULL,
    has_output     INTEGER NOT NULL,
    has_reasoning  INTEGER NOT NULL,
    -- Pico-dollars.
    cost           INTEGER NOT NULL,
    cost_input     INTEGER NOT NULL,
    cost_cache_read INTEGER NOT NULL,
    cost_cache_write_5m INTEGER NOT NULL,
    cost_cache_write_1h INTEGER NOT NULL,
    cost_output    INTEGER NOT NULL,
    saved          INTEGER NOT NULL,
    -- How sure it is.
    priced         INTEGER NOT NULL,
    unpriced       INTEGER NOT NULL,
    partial        INTEGER NOT NULL,
    estimated      INTEGER NOT NULL,
    not_fully_priced INTEGER NOT NULL,
    provider_priced INTEGER NOT NULL,
    local          INTEGER NOT NULL,
    saved_unknown  INTEGER NOT NULL,
    cut            INTEGER NOT NULL,
    whole          INTEGER NOT NULL,
    -- Who told of them.
    proxied        INTEGER NOT NULL,
    matched        INTEGER NOT NULL,
    -- Microseconds, and of how many calls they are known.
    duration_us    INTEGER NOT NULL,
    has_duration   INTEGER NOT NULL,
    first_token_us INTEGER NOT NULL,
    has_first_token INTEGER NOT NULL,
    PRIMARY KEY (dim, quarter, key, provider)
) STRICT, WITHOUT ROWID;

-- A digest of what each column means, as it was when the rows were made. Another one: they are made again at the start.
CREATE TABLE rollup_meaning (digest INTEGER NOT NULL) STRICT;

-- Sums are read from `rollup` now; what still goes through calls by their time needs less.
CREATE INDEX call_began ON call (started_ms, model, first_token_us, failed, operation);
DROP INDEX call_window;

CREATE INDEX call_error ON call (started_ms) WHERE failed = 1;
