-- Gives back an event, with the due time that it had before the claim.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_routing SET token = NULL, due_at = prior_due WHERE event = ?1
