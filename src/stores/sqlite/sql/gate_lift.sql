-- Ends the hold of a tenant or a host.
-- Plan: SEARCH hookpost_gate USING PRIMARY KEY (kind=? AND name=?)
UPDATE hookpost_gate SET held_until = NULL WHERE kind = ?1 AND name = ?2
