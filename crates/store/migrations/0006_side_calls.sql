-- Calls made again after a failure, and what tools do beside their calls of models.

-- The id of the call that failed.
ALTER TABLE call ADD COLUMN retry_of BLOB;

-- Lists leave side calls out, and count them.
CREATE INDEX call_side ON call (id) WHERE operation = 'side_call';
