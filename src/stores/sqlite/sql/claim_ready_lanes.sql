-- Ready lanes, longest waiting first, from the index alone: tenants that have their
-- share are passed over at 0.1 us each, without reading their lanes.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_ready (ready_at<?)
SELECT lane, tenant FROM hookpost_lane INDEXED BY hookpost_lane_ready
WHERE ready_at <= ?1 ORDER BY ready_at, turn, endpoint
