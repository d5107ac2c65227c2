-- The grants of one key that end later than any of now could, and for how long the longest
-- of them counts after its end.
-- Plan: SEARCH hookpost_start USING PRIMARY KEY (scope=? AND of=? AND start_by>?)
SELECT coalesce(sum(starts), 0), coalesce(max(counts_until - start_by), 0) FROM hookpost_start
WHERE scope = ?1 AND of = ?2 AND start_by > ?3
