-- What the Overview adds up: cost by bucket, savings, causes of errors, and calls that left no record.

-- Pico-dollars, known only where the cost was worked out bucket by bucket.
ALTER TABLE call ADD COLUMN cost_input INTEGER;
ALTER TABLE call ADD COLUMN cost_cache_read INTEGER;
ALTER TABLE call ADD COLUMN cost_cache_write_5m INTEGER;
ALTER TABLE call ADD COLUMN cost_cache_write_1h INTEGER;
ALTER TABLE call ADD COLUMN cost_output INTEGER; -- reasoning included
ALTER TABLE call ADD COLUMN saved INTEGER;       -- by prompt caches, less the premium for writing; NULL is unknown
ALTER TABLE call ADD COLUMN error_kind TEXT;     -- the provider's word, or the beginning of its sentence
ALTER TABLE call ADD COLUMN cut INTEGER NOT NULL DEFAULT 0; -- a body is kept only in part

-- Calls recorded before: their buckets stand in the details. What a cache saved is known only of those without one.
UPDATE call SET
    (cost_input, cost_cache_read, cost_cache_write_5m, cost_cache_write_1h, cost_output) = (
        SELECT
            sum(bucket.value ->> 'cost') FILTER (WHERE bucket.value ->> 'bucket' = 'input'),
            sum(bucket.value ->> 'cost') FILTER (WHERE bucket.value ->> 'bucket' = 'cache_read'),
            sum(bucket.value ->> 'cost') FILTER (WHERE bucket.value ->> 'bucket' = 'cache_write_5m'),
            sum(bucket.value ->> 'cost') FILTER (WHERE bucket.value ->> 'bucket' = 'cache_write_1h'),
            sum(bucket.value ->> 'cost') FILTER (WHERE bucket.value ->> 'bucket' IN ('output', 'reasoning'))
        FROM call_detail, json_each(call_detail.cost, '$.buckets') AS bucket
        WHERE call_detail.seq = call.seq
    ),
    saved = CASE
        WHEN cost_source IN ('local', 'not_billed') THEN 0
        WHEN coalesce(input, output) IS NOT NULL
            AND coalesce(cache_read, 0) + coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0) = 0 THEN 0
    END,
    error_kind = CASE
        WHEN instr(error, ': ') BETWEEN 2 AND 65 AND instr(substr(error, 1, instr(error, ': ') - 1), ' ') = 0
            THEN substr(error, 1, instr(error, ': ') - 1)
        ELSE substr(error, 1, 80)
    END,
    cut = EXISTS (
        SELECT 1 FROM call_detail JOIN body ON body.id IN (call_detail.request_body, call_detail.response_body)
        WHERE call_detail.seq = call.seq AND body.info ->> 'cut'
    )
WHERE state != 'open';

-- Everything that is added up over a stretch of time, so that adding up reads this alone.
CREATE INDEX call_window ON call (
    started_ms, model, client, session_id, operation, failed, state, usage_source, cost_source, cost,
    input, cache_read, cache_write_5m, cache_write_1h, output, reasoning, first_token_us,
    cost_input, cost_cache_read, cost_cache_write_5m, cost_cache_write_1h, cost_output, saved, cut
);
DROP INDEX call_started;

-- Calls that went through, but of which not even the beginning was recorded.
CREATE TABLE unrecorded (
    id         BLOB    PRIMARY KEY,
    started_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX unrecorded_started ON unrecorded (started_ms);
