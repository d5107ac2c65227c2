-- A tenant's unrouted events, parked ones too.
-- Plan: SCAN hookpost_routing
SELECT count(*) FROM hookpost_routing WHERE tenant = ?1 OR ?1 IS NULL
