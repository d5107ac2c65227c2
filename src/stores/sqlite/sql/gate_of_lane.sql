-- Whether the tenant is paused, and until when tenant or host hold a lane.
SELECT coalesce(max(paused), 0), max(held_until) FROM hookpost_gate
WHERE (kind = 'tenant' AND name = ?1) OR (kind = 'host' AND name = ?2)
