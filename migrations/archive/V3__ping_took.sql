ALTER TABLE belfry.ping ADD COLUMN took_us bigint;
COMMENT ON COLUMN belfry.ping.took_us IS 'How long the run took in microseconds, where whoever pings says so';
