-- What is due in a lane, longest due first; the caller stops reading at its width.
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_due (lane=? AND due_at<?)
SELECT delivery, id, event, round, test, due_at, token, claimed_at, alone, silent,
  silent_alone, attempts, first_attempt_at, born_at
FROM hookpost_delivery INDEXED BY hookpost_delivery_due
WHERE lane = ?1 AND due_at <= ?2 ORDER BY due_at, event, id
