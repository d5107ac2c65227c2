-- An event's deliveries in the order of their ids.
-- Plan: SEARCH e USING INDEX hookpost_event_id (tenant=? AND id=?)
-- Plan: SEARCH d USING INDEX hookpost_delivery_event (event=? AND id>? AND id<?)
-- Plan: SEARCH l USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
SELECT d.delivery, d.lane, d.event, d.id, d.state, d.reason, d.due_at, d.token, d.round,
  d.born_at, d.first_attempt_at, d.attempts, d.settled_at, d.test, l.endpoint AS lane,
  e.id AS event, e.kind AS event, e.created_at AS event, d.why,
  coalesce(d.born, d.event) AS born
FROM hookpost_event AS e
CROSS JOIN hookpost_delivery AS d INDEXED BY hookpost_delivery_event ON d.event = e.event
LEFT JOIN hookpost_lane AS l ON l.lane = d.lane
WHERE e.tenant = ?1 AND e.id = ?2 AND d.id > ?3 AND d.id < ?4 ORDER BY d.id
