-- Lets the next event of an ordering key be routed.
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_routing USING COVERING INDEX hookpost_routing_key (tenant=? AND ordering_key=?)
UPDATE hookpost_routing SET due_at = prior_due
WHERE event = (SELECT min(event) FROM hookpost_routing INDEXED BY hookpost_routing_key
    WHERE tenant = ?1 AND ordering_key = ?2)
  AND due_at IS NULL
