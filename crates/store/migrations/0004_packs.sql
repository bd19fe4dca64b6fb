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
