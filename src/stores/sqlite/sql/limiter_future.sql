-- The grants of one key that end later than any grant of now could, and for how long the
-- longest of them counts after its end. A value that cannot be a number of starts counts as
-- zero, and no sum or difference of wrong numbers is an error.
-- Plan: SEARCH hookpost_start USING PRIMARY KEY (scope=? AND of=? AND start_by>?)
SELECT CAST(min(total(CASE WHEN starts BETWEEN 1 AND 4294967295 THEN starts END), 4294967295) AS INTEGER),
  coalesce(max(0, max(CAST(counts_until - start_by AS INTEGER))), 0), count(*)
FROM hookpost_start WHERE scope = ?1 AND of = ?2 AND start_by > ?3
