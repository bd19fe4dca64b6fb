-- Words of log records, as those of calls (see 0004): distinct, folded by us, without positions. A row is a record's
-- place. They are taken in after the record is stored, in the order of places, up to `logs_indexed`.
CREATE VIRTUAL TABLE log_words USING fts5 (
    words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
);
INSERT INTO log_words (log_words, rank) VALUES ('hashsize', 4194304);
INSERT INTO log_words (log_words, rank) VALUES ('automerge', 8);
CREATE INDEX log_place ON log (place);
-- Whoever deletes a record: nothing finds it any more.
CREATE TRIGGER log_unindexed AFTER DELETE ON log BEGIN
    DELETE FROM log_words WHERE rowid = old.place;
END;
INSERT INTO upkeep (name, value) VALUES ('logs_indexed', 0);
-- Calls below this are taken into the index once more, the newest first: words are cut otherwise than before, so that
-- scripts without spaces are found at any place, and ids are found.
INSERT INTO upkeep (name, value) SELECT 'calls_to_index', coalesce(max(seq) + 1, 0) FROM call;
