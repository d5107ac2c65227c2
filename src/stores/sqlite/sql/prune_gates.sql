-- The holds of tenants and hosts that ended first.
-- Plan: SEARCH hookpost_gate USING INDEX hookpost_gate_held (held_until<?)
SELECT kind, name FROM hookpost_gate INDEXED BY hookpost_gate_held
WHERE held_until < ?1 AND paused = 0 ORDER BY held_until LIMIT ?2
