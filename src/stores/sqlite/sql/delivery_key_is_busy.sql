-- Whether a lane has a pending delivery of this ordering key.
-- Plan: SCAN CONSTANT ROW
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_key (lane=? AND ordering_key=?)
SELECT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_key
  WHERE lane = ?1 AND ordering_key = ?2 AND state = 0)
