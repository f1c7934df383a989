-- How long the run took, in microseconds, where whoever pings says so; else it follows from the ping of its start.
ALTER TABLE ping ADD COLUMN took_us INTEGER;
