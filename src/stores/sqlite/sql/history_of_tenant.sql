-- A tenant's deliveries in the order of their ids.
-- Plan: SEARCH d USING INDEX hookpost_delivery_tenant (tenant=? AND id>? AND id<?)
-- Plan: SEARCH e USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
-- Plan: SEARCH l USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
SELECT d.delivery, d.lane, d.event, d.id, d.state, d.reason, d.due_at, d.token, d.round,
  d.born_at, d.first_attempt_at, d.attempts, d.settled_at, d.test, l.endpoint AS lane,
  e.id AS event, e.kind AS event, e.created_at AS event, d.why,
  coalesce(d.born, d.event) AS born
FROM hookpost_delivery AS d INDEXED BY hookpost_delivery_tenant
LEFT JOIN hookpost_event AS e ON e.event = d.event
LEFT JOIN hookpost_lane AS l ON l.lane = d.lane
WHERE d.tenant = ?1 AND d.id > ?2 AND d.id < ?3 ORDER BY d.id
