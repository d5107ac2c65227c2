-- The next lane with pending deliveries, whether or not the lane's row exists.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_pending (lane>?)
SELECT min(lane) FROM hookpost_delivery INDEXED BY hookpost_delivery_pending
WHERE lane >= ?1 AND state = 0
