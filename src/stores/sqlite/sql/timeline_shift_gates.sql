-- Moves the ends of holds with the store's time. A sum above the largest integer would become a
-- floating-point number.
-- Plan: SEARCH hookpost_gate USING INDEX hookpost_gate_held (held_until>?)
UPDATE hookpost_gate SET held_until = max(-9000000000000000000, min(held_until, 9000000000000000000)) + ?1 * (held_until BETWEEN ?3 AND ?4)
WHERE held_until IS NOT NULL AND ?2 IS NOT NULL
