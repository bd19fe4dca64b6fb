-- Full text is gathered in memory up to this many bytes before it becomes a piece of the index (the default is 1 MiB),
-- and twice as many pieces as by default are let be before they are merged: merging costs more than all the rest.
INSERT INTO call_text (call_text, rank) VALUES ('hashsize', 4194304);
INSERT INTO call_text (call_text, rank) VALUES ('automerge', 8);
