-- An event is routed.
DELETE FROM hookpost_routing WHERE event = ?1
