-- How many calls match is added up from the rollups where they know (store/src/counts.rs): all of one model, tool, tag or
-- provider, whenever they were.
CREATE INDEX rollup_key ON rollup (dim, key, provider, quarter, calls, errors, open, unpriced);

-- What they do not know is counted in an index that has all it takes.
DROP INDEX call_error;
CREATE INDEX call_error ON call (started_ms, status, model, provider, client, error_kind, operation) WHERE failed = 1;
CREATE INDEX call_client ON call (client, id);
CREATE INDEX call_dearest ON call (cost) WHERE cost IS NOT NULL;
