-- When the first lane is ready: the first entry of an index.
SELECT min(ready_at) FROM hookpost_lane INDEXED BY hookpost_lane_ready WHERE ready_at IS NOT NULL
