-- Ends the pause of a tenant.
-- Plan: SEARCH hookpost_gate USING PRIMARY KEY (kind=? AND name=?)
UPDATE hookpost_gate SET paused = 0 WHERE kind = ?1 AND name = ?2
