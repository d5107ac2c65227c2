-- How many leases of a lane are running. This counts rows, because a counter would still
-- include leases that have expired by themselves. At most as many entries as the lane is wide.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_leased (lane=? AND due_at>?)
SELECT count(*) FROM hookpost_delivery INDEXED BY hookpost_delivery_leased
WHERE lane = ?1 AND due_at > ?2 AND token IS NOT NULL AND test = 0
