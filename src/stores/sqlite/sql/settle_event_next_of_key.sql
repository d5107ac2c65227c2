-- Lets the next event of an ordering key be routed.
UPDATE hookpost_routing SET due_at = prior_due
WHERE event = (SELECT min(event) FROM hookpost_routing INDEXED BY hookpost_routing_key
    WHERE tenant = ?1 AND ordering_key = ?2)
  AND due_at IS NULL
