-- Leaves an event to be routed. It is parked if an unrouted event of its key is before it.
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_routing USING COVERING INDEX hookpost_routing_key (tenant=? AND ordering_key=?)
INSERT INTO hookpost_routing (event, tenant, ordering_key, unheard, due_at, prior_due)
VALUES (?1, ?2, ?3, ?5,
  CASE WHEN ?3 IS NULL OR NOT EXISTS
    (SELECT 1 FROM hookpost_routing INDEXED BY hookpost_routing_key
     WHERE tenant = ?2 AND ordering_key = ?3) THEN ?4 END,
  ?4)
