-- Writes a lane's tenant again if it cannot be read.
-- Plan: SEARCH hookpost_lane USING INDEX hookpost_lane_endpoint (endpoint=?)
UPDATE hookpost_lane SET tenant = ?2 WHERE endpoint = ?1
