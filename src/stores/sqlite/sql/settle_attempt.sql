-- Records an attempt once per lease, numbered in the order of recording.
INSERT INTO hookpost_attempt (delivery, token, number, began_at, took, status, fault, success, body)
SELECT ?1, ?2, 1 + coalesce(max(number), 0), ?3, ?4, ?5, ?6, ?7, ?8
FROM hookpost_attempt WHERE delivery = ?1
ON CONFLICT DO NOTHING
