-- The grants of one key that are in a window.
-- Plan: SEARCH hookpost_start USING PRIMARY KEY (scope=? AND of=? AND start_by>?)
SELECT start_by, starts FROM hookpost_start WHERE scope = ?1 AND of = ?2 AND start_by > ?3
