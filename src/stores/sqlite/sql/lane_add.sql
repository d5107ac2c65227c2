-- The lane of an endpoint that has none yet.
INSERT INTO hookpost_lane (endpoint, tenant, host, paused, width, proven, streak, version, turn, deliveries)
VALUES (?1, ?2, ?3, 0, ?4, 0, 0, 0, 0, 0)
