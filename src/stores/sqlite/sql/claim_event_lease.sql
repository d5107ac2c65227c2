-- Leases an event to a router, and marks it as seen by an engine.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_routing SET token = ?2, due_at = ?3, prior_due = ?4, unheard = 0 WHERE event = ?1
