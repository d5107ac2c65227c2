-- A delivery's silent leases.
-- Plan: SEARCH hookpost_silent_lease USING PRIMARY KEY (delivery=?)
SELECT token, claimed_at FROM hookpost_silent_lease WHERE delivery = ?1 ORDER BY claimed_at
