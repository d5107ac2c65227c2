-- Holds a tenant or a host, unless it is held for longer already.
INSERT INTO hookpost_gate (kind, name, paused, held_until) VALUES (?1, ?2, 0, ?3)
ON CONFLICT (kind, name) DO UPDATE
SET held_until = max(coalesce(held_until, excluded.held_until), excluded.held_until)
