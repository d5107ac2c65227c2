-- Pauses a tenant.
INSERT INTO hookpost_gate (kind, name, paused) VALUES (?1, ?2, 1)
ON CONFLICT (kind, name) DO UPDATE SET paused = 1
