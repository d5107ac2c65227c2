-- Removes the silent leases of a delivery that is removed.
-- Plan: SEARCH hookpost_silent_lease USING PRIMARY KEY (delivery=?)
DELETE FROM hookpost_silent_lease WHERE delivery = ?1
