-- Whether more than one delivery waits in a lane: the second entry of an index.
-- Plan: SCAN CONSTANT ROW
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_pending (lane=?)
SELECT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_pending
  WHERE lane = ?1 AND state = 0 LIMIT 1 OFFSET 1)
