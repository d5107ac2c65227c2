-- The ready lanes of a line, longest waiting first, from the index alone. They are read page by
-- page as in claim_ready_lines.sql.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_ready (tenant=? AND proven=? AND ready_at<?)
SELECT lane FROM hookpost_lane INDEXED BY hookpost_lane_ready
WHERE tenant = ?1 AND proven = ?2 AND ready_at <= ?3 ORDER BY ready_at, turn, endpoint
LIMIT ?4 OFFSET ?5
