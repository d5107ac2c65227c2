-- A tenant's deliveries in the order of their ids.
-- Plan: SEARCH d USING INDEX hookpost_delivery_tenant (tenant=? AND id>? AND id<?)
-- Plan: SEARCH e USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: SEARCH l USING INTEGER PRIMARY KEY (rowid=?)
SELECT d.delivery, d.lane, d.event, d.id, d.state, d.reason, d.due_at, d.token, d.round,
  d.born_at, d.first_attempt_at, d.attempts, d.settled_at, d.test, l.endpoint, e.id, e.kind,
  e.created_at
FROM hookpost_delivery AS d INDEXED BY hookpost_delivery_tenant
CROSS JOIN hookpost_event AS e ON e.event = d.event
CROSS JOIN hookpost_lane AS l ON l.lane = d.lane
WHERE d.tenant = ?1 AND d.id > ?2 AND d.id < ?3 ORDER BY d.id
