-- Moves pending deliveries with the store's time: they wait as long, and are as old, as before.
-- A delivery that waits for the due time that its event states does not move. A sum above the
-- largest integer would become a floating-point number, which no column accepts.
-- Plan: SCAN hookpost_delivery USING INDEX hookpost_delivery_pending
UPDATE hookpost_delivery SET
  due_at = max(-9000000000000000000, min(due_at, 9000000000000000000)) + ?1 * (due_at BETWEEN ?3 AND ?4),
  prior_due = max(-9000000000000000000, min(prior_due, 9000000000000000000)) + ?1 * (prior_due BETWEEN ?3 AND ?4),
  claimed_at = max(-9000000000000000000, min(claimed_at, 9000000000000000000)) + ?1 * (claimed_at BETWEEN ?3 AND ?4),
  born_at = max(-9000000000000000000, min(born_at, 9000000000000000000)) + ?1 * (born_at BETWEEN ?3 AND ?4),
  first_attempt_at = max(-9000000000000000000, min(first_attempt_at, 9000000000000000000)) + ?1 * (first_attempt_at BETWEEN ?3 AND ?4),
  tried_at = max(-9000000000000000000, min(tried_at, 9000000000000000000)) + ?1 * (tried_at BETWEEN ?3 AND ?4)
WHERE state = 0 AND NOT (token IS NULL AND attempts = 0 AND silent = 0 AND prior_due > ?2)
