-- The words of the indices: which of them begin as a word that may go on (see store/src/text/find.rs). They keep nothing
-- of their own.
CREATE VIRTUAL TABLE call_vocabulary USING fts5vocab (call_words, instance);
CREATE VIRTUAL TABLE log_vocabulary USING fts5vocab (log_words, instance);

-- FTS5 rewrites a piece of an index of which a tenth is deleted while it deletes, all of it at once, and whoever wants to
-- write waits. We do it ourselves, in small steps (see store/src/scrub.rs), once so many were taken out.
INSERT INTO call_words (call_words, rank) VALUES ('deletemerge', 0);
INSERT INTO log_words (log_words, rank) VALUES ('deletemerge', 0);
INSERT INTO upkeep (name, value) VALUES ('words_removed', 0);
