-- A lane that nobody needs: its endpoint is no more, and so is the last delivery to it.
-- A pause stays, for a host whose directory is its own pauses what the registry never saw.
-- So does what still waits, whatever the row's count says.
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
