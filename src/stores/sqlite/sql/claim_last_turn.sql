-- The last turn among the lanes that are ready at this very moment.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_ready (ready_at=?)
SELECT coalesce(max(turn), 0) FROM hookpost_lane INDEXED BY hookpost_lane_ready WHERE ready_at = ?1
