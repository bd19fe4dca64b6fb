-- Taking things away again: which packs need which, and what of a pack nobody needs any more.

-- `source` names stretches or chains that stand in `target`, an earlier pack.
CREATE TABLE pack_edge (
    target INTEGER NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (target, source)
) STRICT, WITHOUT ROWID;
CREATE INDEX pack_edge_source ON pack_edge (source);
CREATE INDEX call_record_pack ON call_record (pack);

-- Packs that may hold what nobody needs: the record of a call that is gone (`len` bytes from `at`), or, with length 0,
-- something that such a record named. Overwritten and taken out bit by bit (see store/src/sweep.rs).
CREATE TABLE pack_dirty (
    pack INTEGER NOT NULL,
    at   INTEGER NOT NULL,
    len  INTEGER NOT NULL,
    PRIMARY KEY (pack, at, len)
) STRICT, WITHOUT ROWID;

-- Records of reports that no row names any more, and how many bytes of each pack of reports are overwritten.
CREATE TABLE report_orphan (
    place INTEGER PRIMARY KEY
) STRICT;
ALTER TABLE report_pack ADD COLUMN erased INTEGER NOT NULL DEFAULT 0;

-- What is kept of how the database is looked after.
CREATE TABLE upkeep (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- Packs up to this one were written before there were edges; theirs are added before anything is taken away.
INSERT INTO upkeep (name, value) SELECT 'packs_without_edges', coalesce(max(id), 0) FROM pack;
-- Segments and nodes of former versions are looked through after calls of theirs are gone.
INSERT INTO upkeep (name, value) VALUES ('former_dirty', 0);
