-- Moves events that wait for their routing with the store's time.
-- Plan: SCAN hookpost_routing
UPDATE hookpost_routing SET
  due_at = max(-9000000000000000000, min(due_at, 9000000000000000000)) + ?1 * (due_at BETWEEN ?3 AND ?4),
  prior_due = max(-9000000000000000000, min(prior_due, 9000000000000000000)) + ?1 * (prior_due BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
