-- Removes grants that no window includes any more.
-- Plan: SEARCH hookpost_start USING INDEX hookpost_start_spent (counts_until<?)
DELETE FROM hookpost_start WHERE counts_until <= ?1
