-- Gives the first pending delivery of an ordering key its due time, if it was parked.
UPDATE hookpost_delivery SET due_at = prior_due
WHERE delivery = (SELECT delivery FROM hookpost_delivery INDEXED BY hookpost_delivery_key
    WHERE lane = ?1 AND ordering_key = ?2 AND state = 0 ORDER BY event LIMIT 1)
  AND due_at IS NULL
