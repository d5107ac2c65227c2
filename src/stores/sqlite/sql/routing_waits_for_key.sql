-- Whether an event of this ordering key waits for its routing.
SELECT EXISTS (SELECT 1 FROM hookpost_routing INDEXED BY hookpost_routing_key
  WHERE tenant = ?1 AND ordering_key = ?2)
