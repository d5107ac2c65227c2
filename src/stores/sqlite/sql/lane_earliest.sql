-- The earliest due time or lease end in a lane: the first entry of an index.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_due (lane=? AND due_at>?)
SELECT min(due_at) FROM hookpost_delivery INDEXED BY hookpost_delivery_due
WHERE lane = ?1 AND due_at IS NOT NULL
