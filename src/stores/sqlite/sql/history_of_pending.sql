-- An endpoint's pending deliveries in the order of their ids.
-- Plan: SEARCH l USING COVERING INDEX hookpost_lane_endpoint (endpoint=?)
-- Plan: SEARCH d USING INDEX hookpost_delivery_pending (lane=? AND id>? AND id<?)
-- Plan: SEARCH e USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
SELECT d.delivery, d.lane, d.event, d.id, d.state, d.reason, d.due_at, d.token, d.round,
  d.born_at, d.first_attempt_at, d.attempts, d.settled_at, d.test, l.endpoint AS lane,
  e.id AS event, e.kind AS event, e.created_at AS event, d.why,
  coalesce(d.born, d.event) AS born
FROM hookpost_lane AS l
CROSS JOIN hookpost_delivery AS d INDEXED BY hookpost_delivery_pending ON d.lane = l.lane
LEFT JOIN hookpost_event AS e ON e.event = d.event
WHERE l.endpoint = ?2 AND d.tenant = ?1 AND d.state = 0 AND d.id > ?3 AND d.id < ?4 ORDER BY d.id
