-- Which ping of its heartbeat it is, counted from 1; 0 for those from before this column. signal 260: a ping
-- that the heartbeat's rule does not let count.
ALTER TABLE ping ADD COLUMN n INTEGER NOT NULL DEFAULT 0;
