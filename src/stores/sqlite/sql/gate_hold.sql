-- Holds a tenant or a host, if it is not held longer.
INSERT INTO hookpost_gate (kind, name, paused, held_until) VALUES (?1, ?2, 0, ?3)
ON CONFLICT (kind, name) DO UPDATE
SET held_until = max(coalesce(held_until, excluded.held_until), excluded.held_until)
