-- Moves pending deliveries along with the store's time: they wait as long and are as old as
-- before. What waits for the moment that its event states keeps it. A sum past the largest
-- integer would become a floating-point number.
-- Plan: SCAN hookpost_delivery USING INDEX hookpost_delivery_pending
UPDATE hookpost_delivery SET due_at = min(due_at, 9000000000000000000) + ?1,
  prior_due = min(prior_due, 9000000000000000000) + ?1, claimed_at = claimed_at + ?1,
  born_at = born_at + ?1, first_attempt_at = first_attempt_at + ?1, tried_at = tried_at + ?1
WHERE state = 0 AND NOT (token IS NULL AND attempts = 0 AND silent = 0 AND prior_due > ?2)
