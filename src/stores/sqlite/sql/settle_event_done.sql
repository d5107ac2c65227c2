-- An event is routed.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
DELETE FROM hookpost_routing WHERE event = ?1
