-- The lanes that a host's gate may have held back.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_host (host=?)
SELECT lane FROM hookpost_lane INDEXED BY hookpost_lane_host WHERE host = ?1 ORDER BY lane
