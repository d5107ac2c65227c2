-- A tenant's unrouted events, parked ones too.
SELECT count(*) FROM hookpost_routing WHERE tenant = ?1 OR ?1 IS NULL
