-- Rebuilds the lines from their lanes when it is unknown which line was lost. It reads every
-- lane that is ready at some time. Only a damaged file needs this.
-- Plan: SCAN hookpost_lane USING COVERING INDEX hookpost_lane_ready
INSERT INTO hookpost_line (tenant, doubtful, ready_at, turn)
SELECT tenant, 1 - proven, min(ready_at), 0 FROM hookpost_lane INDEXED BY hookpost_lane_ready
WHERE ready_at IS NOT NULL AND proven IN (0, 1) GROUP BY tenant, proven
ON CONFLICT (tenant, doubtful) DO UPDATE SET ready_at = min(ready_at, excluded.ready_at)
