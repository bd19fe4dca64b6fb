-- What a call leaves behind (its details, what is new in its bodies) is written as one compressed pack for some calls,
-- instead of a row and an index entry for every piece. What was written before stays where it is and is read from there.

-- Stretches of bytes, one after the other, compressed together. A stretch is named by its pack, offset and length.
CREATE TABLE pack (
    id      INTEGER PRIMARY KEY,
    raw_len INTEGER NOT NULL,
    known   BLOB    NOT NULL, -- what later bodies may repeat of it, by hash (see store/src/known.rs)
    bytes   BLOB    NOT NULL  -- zstd
) STRICT;

-- Where a call's record stands: its bodies' layouts and its details (see store/src/record.rs).
CREATE TABLE call_record (
    seq  INTEGER PRIMARY KEY,
    pack INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    len  INTEGER NOT NULL
) STRICT;

-- Full text: each call's distinct words, folded by us (see store/src/words.rs), without their positions. Phrases are
-- looked for in the texts of the calls that have their words. What was indexed before stays in call_text.
CREATE VIRTUAL TABLE call_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
INSERT INTO call_words (call_words, rank) VALUES ('hashsize', 4194304);
INSERT INTO call_words (call_words, rank) VALUES ('automerge', 8);
