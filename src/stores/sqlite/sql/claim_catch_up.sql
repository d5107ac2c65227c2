-- The deliveries of a catching-up lane that wait for a retry and were last tried by a moment,
-- longest ago first, with their places among due deliveries. Read from the index alone.
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_tried (lane=? AND tried_at<?)
SELECT due_at, event, id, delivery FROM hookpost_delivery INDEXED BY hookpost_delivery_tried
WHERE lane = ?1 AND tried_at <= ?2 AND due_at > ?3 AND token IS NULL
ORDER BY tried_at, due_at, event, id LIMIT ?4
