-- Sessions, and what ties a call to the calls before it.

-- A client's id stands for one session only with one provider and one account.
CREATE TABLE session (
    key      INTEGER PRIMARY KEY,
    id       TEXT    NOT NULL,
    provider TEXT    NOT NULL,
    holder   TEXT    NOT NULL, -- the account, else the credential's fingerprint
    source   TEXT    NOT NULL,
    client   TEXT,
    title    TEXT,
    root     INTEGER,          -- the main agent's system prompt and tools
    first_ms INTEGER NOT NULL,
    last_ms  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_id ON session (id, provider, holder);
CREATE INDEX session_last ON session (last_ms);

ALTER TABLE call ADD COLUMN session INTEGER;        -- session.key
ALTER TABLE call ADD COLUMN session_source TEXT;
ALTER TABLE call ADD COLUMN agent TEXT;             -- NULL is the main one
ALTER TABLE call ADD COLUMN agent_parent TEXT;
ALTER TABLE call ADD COLUMN agent_name TEXT;
ALTER TABLE call ADD COLUMN agent_inferred INTEGER;
ALTER TABLE call ADD COLUMN continues INTEGER;      -- call.seq
ALTER TABLE call ADD COLUMN tie TEXT;
-- Digests (model::identity::chain): everything before the answer, the answer, system prompt and tools, the answer's id.
ALTER TABLE call ADD COLUMN chain_end INTEGER;
ALTER TABLE call ADD COLUMN chain_answer INTEGER;
ALTER TABLE call ADD COLUMN chain_root INTEGER;
ALTER TABLE call ADD COLUMN response_key INTEGER;

INSERT INTO session (id, provider, holder, source, client, title, first_ms, last_ms)
SELECT session_id, provider, coalesce(credential, ''), 'client', max(client), min(title), min(started_ms), max(started_ms)
FROM call LEFT JOIN call_detail USING (seq) WHERE session_id IS NOT NULL GROUP BY 1, 2, 3;
UPDATE call SET session_source = 'client', session = (
    SELECT key FROM session WHERE session.id = call.session_id AND session.provider = call.provider
        AND holder = coalesce((SELECT credential FROM call_detail WHERE call_detail.seq = call.seq), '')
) WHERE session_id IS NOT NULL;

DROP INDEX call_session;
CREATE INDEX call_session ON call (session) WHERE session IS NOT NULL;
CREATE INDEX call_chain ON call (chain_end) WHERE chain_end IS NOT NULL;
CREATE INDEX call_response ON call (response_key) WHERE response_key IS NOT NULL;
CREATE INDEX call_continues ON call (continues) WHERE continues IS NOT NULL;
