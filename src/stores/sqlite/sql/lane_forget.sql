-- Removes a lane whose endpoint was removed, with no delivery left. A paused lane stays: a host
-- with a directory of its own pauses endpoints that the registry does not know. A lane with a
-- pending delivery stays too, whatever the count in its row.
-- Plan: SEARCH hookpost_lane USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: SCALAR SUBQUERY 2
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_pending (lane=?)
-- Plan: CORRELATED SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_endpoint USING COVERING INDEX hookpost_endpoint_id (id=?)
DELETE FROM hookpost_lane
WHERE lane = ?1 AND deliveries = 0 AND paused = 0
  AND NOT EXISTS (SELECT 1 FROM hookpost_endpoint WHERE id = hookpost_lane.endpoint)
  AND NOT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_pending
    WHERE hookpost_delivery.lane = ?1 AND state = 0)
