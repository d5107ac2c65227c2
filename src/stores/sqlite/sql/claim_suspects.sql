-- Due deliveries with a silent lease, in the order of their lanes. There are few, because a
-- silent lease means that a process died.
-- Plan: SEARCH d USING INDEX hookpost_delivery_silent (due_at<?)
-- Plan: SEARCH l USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: USE TEMP B-TREE FOR ORDER BY
SELECT d.delivery, d.lane, l.tenant FROM hookpost_delivery AS d INDEXED BY hookpost_delivery_silent
CROSS JOIN hookpost_lane AS l ON l.lane = d.lane
WHERE d.due_at <= ?1 AND d.silent > 0 AND l.ready_at <= ?1
  AND d.silent + (d.token IS NOT NULL) >= ?2
ORDER BY l.ready_at, l.turn, l.endpoint, d.due_at, d.event, d.id
