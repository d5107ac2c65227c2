-- Makes an event due for the next chunk of its routing, after that endpoint.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_routing SET token = NULL, due_at = ?2, prior_due = ?2, after = ?3 WHERE event = ?1
