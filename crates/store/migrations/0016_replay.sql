-- Recorded calls that LLMFlow sent again. Lists and sums leave them out, and show what they cost apart.

-- The id of the call that was sent again.
ALTER TABLE call ADD COLUMN replay_of BLOB;

-- The few there are, of a call and of a time.
CREATE INDEX call_replay ON call (replay_of, started_ms) WHERE replay_of IS NOT NULL;

-- What goes through calls by their time leaves them out without reading their rows.
DROP INDEX call_began;
CREATE INDEX call_began ON call (started_ms, model, first_token_us, failed, operation, replay_of);
