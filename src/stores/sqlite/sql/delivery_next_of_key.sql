-- Gives the first pending delivery of an ordering key its due time, if it was parked.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_key (lane=? AND ordering_key=?)
UPDATE hookpost_delivery SET due_at = prior_due
WHERE delivery = (SELECT delivery FROM hookpost_delivery INDEXED BY hookpost_delivery_key
    WHERE lane = ?1 AND ordering_key = ?2 AND state = 0 ORDER BY event LIMIT 1)
  AND due_at IS NULL
