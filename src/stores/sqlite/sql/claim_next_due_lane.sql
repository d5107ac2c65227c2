-- When the first lane is ready: the first entry of an index.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_ready (ready_at>?)
SELECT min(ready_at) FROM hookpost_lane INDEXED BY hookpost_lane_ready WHERE ready_at IS NOT NULL
