-- How many leases of a lane run: read from the rows, since a counter would outlive
-- the leases that end by themselves. At most a lane's width of entries.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_leased (lane=? AND due_at>?)
SELECT count(*) FROM hookpost_delivery INDEXED BY hookpost_delivery_leased
WHERE lane = ?1 AND due_at > ?2 AND token IS NOT NULL AND test = 0
