-- When the first running lease of a lane ends.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_leased (lane=? AND due_at>?)
SELECT min(due_at) FROM hookpost_delivery INDEXED BY hookpost_delivery_leased
WHERE lane = ?1 AND due_at > ?2 AND token IS NOT NULL AND test = 0
