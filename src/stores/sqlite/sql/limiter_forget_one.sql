-- Removes one grant.
-- Plan: SEARCH hookpost_start USING PRIMARY KEY (scope=? AND of=? AND start_by=?)
DELETE FROM hookpost_start WHERE scope = ?1 AND of = ?2 AND start_by = ?3
