-- Grants that no window reaches any more.
DELETE FROM hookpost_start WHERE counts_until <= ?1
