-- Puts off a delivery that cannot be read. It is no longer leased and does not catch up, so
-- no claim finds it earlier. A delivery that has ended is not due any more.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET due_at = CASE WHEN state BETWEEN 1 AND 3 THEN NULL ELSE ?2 END,
  token = NULL, tried_at = NULL
WHERE delivery = ?1
