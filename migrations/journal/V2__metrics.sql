-- What looks measured beside their latency, summed like everything else of a window; see
-- src/journal/series.rs for the format.
ALTER TABLE rollup ADD COLUMN metrics BLOB NOT NULL DEFAULT x'';
