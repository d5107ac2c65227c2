-- Moves lanes along with the store's time. Readiness may be early and must not be late: it
-- moves back alone. A sum past the largest integer would become a floating-point number.
-- Plan: SCAN hookpost_lane
UPDATE hookpost_lane SET held_until = min(held_until, 9000000000000000000) + ?1,
  ready_at = ready_at + min(?1, 0), failing_since = failing_since + ?1,
  failing_last = failing_last + ?1, failing_from = failing_from + ?1,
  recovered_at = recovered_at + ?1
WHERE ?2 IS NOT NULL
