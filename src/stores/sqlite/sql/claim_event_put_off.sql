-- Puts off the routing of an event that cannot be read.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_routing SET due_at = ?2, prior_due = ?2, token = NULL WHERE event = ?1
