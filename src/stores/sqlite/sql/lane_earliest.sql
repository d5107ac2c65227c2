-- The earliest due time or lease end in a lane: the first entries of two indexes.
-- Plan: MERGE (UNION ALL)
-- Plan: LEFT
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_due (lane=? AND due_at>?)
-- Plan: RIGHT
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_leased (lane=? AND due_at>?)
SELECT due_at FROM hookpost_delivery INDEXED BY hookpost_delivery_due
WHERE lane = ?1 AND due_at IS NOT NULL AND token IS NULL
UNION ALL
SELECT due_at FROM hookpost_delivery INDEXED BY hookpost_delivery_leased
WHERE lane = ?1 AND due_at IS NOT NULL AND token IS NOT NULL
ORDER BY due_at LIMIT 1
