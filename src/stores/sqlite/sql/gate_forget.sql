-- Removes a gate that holds nothing back.
-- Plan: SEARCH hookpost_gate USING PRIMARY KEY (kind=? AND name=?)
DELETE FROM hookpost_gate
WHERE kind = ?1 AND name = ?2 AND paused = 0 AND held_until IS NULL
