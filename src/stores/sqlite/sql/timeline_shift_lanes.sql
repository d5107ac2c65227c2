-- Moves lanes with the store's time. `ready_at` may be too early but not too late, so it moves
-- only backward. A sum above the largest integer would become a floating-point number.
-- Plan: SCAN hookpost_lane
UPDATE hookpost_lane SET
  held_until = max(-9000000000000000000, min(held_until, 9000000000000000000)) + ?1 * (held_until BETWEEN ?3 AND ?4),
  ready_at = max(-9000000000000000000, min(ready_at, 9000000000000000000)) + min(?1, 0) * (ready_at BETWEEN ?3 AND ?4),
  failing_since = max(-9000000000000000000, min(failing_since, 9000000000000000000)) + ?1 * (failing_since BETWEEN ?3 AND ?4),
  failing_last = max(-9000000000000000000, min(failing_last, 9000000000000000000)) + ?1 * (failing_last BETWEEN ?3 AND ?4),
  failing_from = max(-9000000000000000000, min(failing_from, 9000000000000000000)) + ?1 * (failing_from BETWEEN ?3 AND ?4),
  tried_by = max(-9000000000000000000, min(tried_by, 9000000000000000000)) + ?1 * (tried_by BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
