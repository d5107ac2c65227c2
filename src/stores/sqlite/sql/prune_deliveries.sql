-- The deliveries of a state that ended first.
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_settled (state=? AND settled_at<?)
SELECT delivery, event, lane FROM hookpost_delivery INDEXED BY hookpost_delivery_settled
WHERE state = ?1 AND settled_at < ?2 ORDER BY settled_at LIMIT ?3
