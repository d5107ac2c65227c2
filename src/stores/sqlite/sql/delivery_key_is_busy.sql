-- Whether a lane has a pending delivery of this ordering key.
SELECT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_key
  WHERE lane = ?1 AND ordering_key = ?2 AND state = 0)
