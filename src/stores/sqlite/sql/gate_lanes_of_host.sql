-- The lanes that a host's gate may have closed.
SELECT lane FROM hookpost_lane INDEXED BY hookpost_lane_host WHERE host = ?1 ORDER BY lane
