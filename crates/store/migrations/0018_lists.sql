-- Lists leave out side calls and replays: an index that tells of both spares looking at each call.
DROP INDEX call_error;
CREATE INDEX call_error ON call (started_ms, status, model, provider, client, error_kind, operation, replay_of, trace)
    WHERE failed = 1;
DROP INDEX call_dearest;
CREATE INDEX call_dearest ON call (cost, operation, replay_of, trace) WHERE cost IS NOT NULL;
