-- Records a silent lease.
INSERT INTO hookpost_silent_lease (delivery, claimed_at, token) VALUES (?1, ?2, ?3)
ON CONFLICT DO NOTHING
