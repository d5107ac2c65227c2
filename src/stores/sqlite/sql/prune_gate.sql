-- Removes a hold that has ended.
-- Plan: SEARCH hookpost_gate USING PRIMARY KEY (kind=? AND name=?)
DELETE FROM hookpost_gate WHERE kind = ?1 AND name = ?2
