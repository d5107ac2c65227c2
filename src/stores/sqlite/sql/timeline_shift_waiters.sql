-- Moves the endpoints that wait for a start with the store's time. A sum above the largest
-- integer would become a floating-point number.
-- Plan: SCAN hookpost_waiter USING INDEX hookpost_waiter_comes
UPDATE hookpost_waiter
SET since = max(-9000000000000000000, min(since, 9000000000000000000)) + ?1 * (since BETWEEN ?3 AND ?4),
  served_at = max(-9000000000000000000, min(served_at, 9000000000000000000)) + ?1 * (served_at BETWEEN ?3 AND ?4),
  comes_at = max(-9000000000000000000, min(comes_at, 9000000000000000000)) + ?1 * (comes_at BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
