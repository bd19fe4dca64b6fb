-- Which calls several told of: the digest of the answer's id (model::telemetry::join), beside those of the request's.
ALTER TABLE call ADD COLUMN answer_key INTEGER;
