-- The deliveries of a lane that are due, or whose leases have expired, longest due first. The
-- caller stops reading at the lane's width.
-- Plan: MERGE (UNION ALL)
-- Plan: LEFT
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_due (lane=? AND due_at<?)
-- Plan: RIGHT
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_leased (lane=? AND due_at<?)
SELECT delivery, id, event, round, test, due_at, token, claimed_at, alone, silent,
  silent_alone, attempts, first_attempt_at, born_at,
  coalesce(born, event) AS born, state, ordering_key, orphaned
FROM hookpost_delivery INDEXED BY hookpost_delivery_due
WHERE lane = ?1 AND due_at <= ?2 AND token IS NULL
UNION ALL
SELECT delivery, id, event, round, test, due_at, token, claimed_at, alone, silent,
  silent_alone, attempts, first_attempt_at, born_at,
  coalesce(born, event) AS born, state, ordering_key, orphaned
FROM hookpost_delivery INDEXED BY hookpost_delivery_leased
WHERE lane = ?1 AND due_at <= ?2 AND token IS NOT NULL
ORDER BY due_at, event, id
