-- Makes an event that could not be routed now due again later.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_routing SET token = NULL, due_at = ?2, prior_due = ?2 WHERE event = ?1
