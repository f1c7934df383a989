COMMENT ON COLUMN belfry.ping.signal IS 'success, start, fail, log, ignored (by the rule of the heartbeat), or exit with its code';
