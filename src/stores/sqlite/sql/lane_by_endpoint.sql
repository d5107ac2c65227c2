-- The lane of an endpoint.
-- Plan: SEARCH hookpost_lane USING INDEX hookpost_lane_endpoint (endpoint=?)
SELECT lane, endpoint, tenant, host, paused, held_until, ready_at, width, proven, streak,
  version, turn, failing_since, failing_last, failing_from, failing_counts, deliveries,
  tried_by, catch_up_gap, registration, renewal
FROM hookpost_lane WHERE endpoint = ?1
