-- Whether the tenant is paused, and until when tenant and host hold a lane: three seeks,
-- a third of what one query with OR costs.
SELECT
  coalesce((SELECT paused FROM hookpost_gate WHERE kind = 'tenant' AND name = ?1), 0),
  (SELECT held_until FROM hookpost_gate WHERE kind = 'tenant' AND name = ?1),
  (SELECT held_until FROM hookpost_gate WHERE kind = 'host' AND name = ?2)
