-- Moves events that wait for their routing along with the store's time.
-- Plan: SCAN hookpost_routing
UPDATE hookpost_routing SET due_at = due_at + ?1, prior_due = prior_due + ?1
WHERE ?2 IS NOT NULL
