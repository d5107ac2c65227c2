-- Whether an event of this ordering key waits to be routed.
-- Plan: SCAN CONSTANT ROW
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_routing USING COVERING INDEX hookpost_routing_key (tenant=? AND ordering_key=?)
SELECT EXISTS (SELECT 1 FROM hookpost_routing INDEXED BY hookpost_routing_key
  WHERE tenant = ?1 AND ordering_key = ?2)
