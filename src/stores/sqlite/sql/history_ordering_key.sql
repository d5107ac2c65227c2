-- The ordering key of an event.
-- Plan: SEARCH hookpost_event USING INTEGER PRIMARY KEY (rowid=?)
SELECT ordering_key FROM hookpost_event WHERE event = ?1
