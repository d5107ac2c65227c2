-- The delivery of a settlement.
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_id (id=?)
SELECT delivery, lane, state, token, prior_due, attempts, first_attempt_at, silent,
  silent_alone, ordering_key, tried_at, orphaned
FROM hookpost_delivery WHERE id = ?1
