-- Events about no check and no incident are few among many: the times in which nothing could be heard.
CREATE INDEX event_own ON event (seq) WHERE check_id IS NULL AND incident IS NULL;
