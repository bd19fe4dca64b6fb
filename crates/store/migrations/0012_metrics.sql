-- What is said of a metric stands once, however many series it has.

CREATE TABLE metric (
    key         INTEGER PRIMARY KEY,
    hash        BLOB UNIQUE,      -- of everything here; none for those of former versions
    name        TEXT    NOT NULL, -- shortened, as unit and description
    description TEXT    NOT NULL,
    unit        TEXT    NOT NULL,
    kind        INTEGER NOT NULL, -- its number in api::MetricKind::ALL
    temporality INTEGER NOT NULL, -- OTLP's number
    monotonic   INTEGER NOT NULL,
    metadata    BLOB    NOT NULL, -- encoded; empty where it is long
    whole       BLOB              -- zstd of the encoded name, description, unit and metadata, where any is shortened
) STRICT;
INSERT INTO metric (name, description, unit, kind, temporality, monotonic, metadata)
SELECT DISTINCT name, description, unit, kind, temporality, monotonic, metadata FROM series;
CREATE INDEX metric_name ON metric (name);

-- A metric's points that differ in nothing but time.
CREATE TABLE series_of_metric (
    key        INTEGER PRIMARY KEY,
    hash       BLOB    NOT NULL UNIQUE, -- of origin, name, unit, kind, temporality, monotonic and attributes
    origin     INTEGER NOT NULL,
    metric     INTEGER NOT NULL,        -- metric.key
    attributes BLOB    NOT NULL         -- encoded
) STRICT;
INSERT INTO series_of_metric (key, hash, origin, metric, attributes)
SELECT series.key, series.hash, series.origin, metric.key, series.attributes FROM series JOIN metric
ON metric.name = series.name AND metric.unit = series.unit AND metric.kind = series.kind
AND metric.temporality = series.temporality AND metric.monotonic = series.monotonic
AND metric.description = series.description AND metric.metadata = series.metadata;
DROP TABLE series;
ALTER TABLE series_of_metric RENAME TO series;
CREATE INDEX series_metric ON series (metric);
