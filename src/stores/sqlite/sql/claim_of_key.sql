-- One delivery, with the columns that a claim reads of due deliveries.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
SELECT delivery, id, event, round, test, due_at, token, claimed_at, alone, silent,
  silent_alone, attempts, first_attempt_at, born_at,
  coalesce(born, event) AS born, state, ordering_key, orphaned
FROM hookpost_delivery WHERE delivery = ?1
