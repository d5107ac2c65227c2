-- The first pending deliveries of a lane.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_pending (lane=?)
SELECT delivery, id FROM hookpost_delivery INDEXED BY hookpost_delivery_pending
WHERE lane = ?1 AND state = 0 ORDER BY id LIMIT ?2
