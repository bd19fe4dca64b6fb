-- Prices: what calls are priced again from, tables that were taken in, and who priced what again.

-- What bears on a call's price and stands in no other column, as JSON (model::pricing::Facts). NULL: it was not kept.
ALTER TABLE call ADD COLUMN billed TEXT;
-- Pico-dollars that a call would have cost by the API, when a subscription pays for it.
ALTER TABLE call ADD COLUMN equivalent INTEGER;

-- The same in what calls add up to, with calls whose cost is a tool's word or nothing by nature.
ALTER TABLE rollup ADD COLUMN subscription INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN equivalent INTEGER NOT NULL DEFAULT 0; -- pico-dollars
ALTER TABLE rollup ADD COLUMN reported INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup ADD COLUMN not_billed INTEGER NOT NULL DEFAULT 0;

-- What a call of the proxy costs since it was priced again: JSON of api::Cost, instead of what its record says.
CREATE TABLE call_cost (
    seq  INTEGER PRIMARY KEY,
    cost TEXT NOT NULL
) STRICT;
CREATE TRIGGER call_cost_goes AFTER DELETE ON call BEGIN
    DELETE FROM call_cost WHERE seq = old.seq;
END;

-- Price tables that were taken in: what was new or changed in each.
CREATE TABLE price_table (
    id            INTEGER PRIMARY KEY,
    at_ms         INTEGER NOT NULL,
    source        TEXT    NOT NULL, -- an address or a file
    valid_from    TEXT    NOT NULL, -- a day
    sha256        TEXT    NOT NULL, -- of the whole table
    models        INTEGER NOT NULL,
    new_models    INTEGER NOT NULL,
    changed       INTEGER NOT NULL,
    some          TEXT    NOT NULL, -- JSON: some names of those
    bytes         BLOB    NOT NULL  -- zstd of JSON in LiteLLM's format
) STRICT;

-- The audit: one row for each time that calls were priced again.
CREATE TABLE repricing (
    id            INTEGER PRIMARY KEY,
    at_ms         INTEGER NOT NULL,
    by            TEXT    NOT NULL,
    version       TEXT    NOT NULL, -- of the prices
    scope         TEXT    NOT NULL, -- JSON of api::RepriceScope
    state         TEXT    NOT NULL,
    looked        INTEGER NOT NULL,
    changed       INTEGER NOT NULL,
    newly_priced  INTEGER NOT NULL,
    kept          INTEGER NOT NULL,
    before_cost   INTEGER NOT NULL, -- pico-dollars
    after_cost    INTEGER NOT NULL,
    took_ms       INTEGER NOT NULL,
    error         TEXT
) STRICT;
