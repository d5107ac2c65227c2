-- The earliest last attempt among a lane's deliveries that wait for a retry: the first entry of
-- an index that leased deliveries are not in.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_tried (lane=? AND tried_at<?)
SELECT tried_at FROM hookpost_delivery INDEXED BY hookpost_delivery_tried
WHERE lane = ?1 AND tried_at <= ?2 AND due_at IS NOT NULL AND token IS NULL
ORDER BY tried_at LIMIT 1
