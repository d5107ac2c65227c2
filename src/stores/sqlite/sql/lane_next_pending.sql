-- The next lane in which something waits, whether it is there or not.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_pending (lane>?)
SELECT min(lane) FROM hookpost_delivery INDEXED BY hookpost_delivery_pending
WHERE lane >= ?1 AND state = 0
