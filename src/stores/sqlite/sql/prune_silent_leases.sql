-- A delivery's silent leases go with it.
-- Plan: SEARCH hookpost_silent_lease USING PRIMARY KEY (delivery=?)
DELETE FROM hookpost_silent_lease WHERE delivery = ?1
