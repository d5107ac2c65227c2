-- The grants of one key that a window reaches back to.
SELECT start_by, starts FROM hookpost_start WHERE scope = ?1 AND of = ?2 AND start_by > ?3
