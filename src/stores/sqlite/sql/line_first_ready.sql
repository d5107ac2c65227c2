-- When the first lane of a line is ready: the first entry of an index.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_ready (tenant=? AND proven=? AND ready_at>?)
SELECT min(ready_at) FROM hookpost_lane INDEXED BY hookpost_lane_ready
WHERE tenant = ?1 AND proven = ?2 AND ready_at IS NOT NULL
