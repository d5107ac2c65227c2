-- The lane of an endpoint.
-- Plan: SEARCH hookpost_lane USING INDEX hookpost_lane_endpoint (endpoint=?)
SELECT lane, endpoint, tenant, host, paused, held_until, ready_at, width, proven, streak,
  failing_since, version, turn
FROM hookpost_lane WHERE endpoint = ?1
