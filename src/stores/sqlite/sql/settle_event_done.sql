-- Ends the routing of an event.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
DELETE FROM hookpost_routing WHERE event = ?1
