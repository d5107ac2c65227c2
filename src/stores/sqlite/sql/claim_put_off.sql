-- Puts a delivery off that cannot be read. It is no longer leased and catches up with
-- nothing, so that no claim meets it before; what has ended is due no more.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET due_at = CASE WHEN state BETWEEN 1 AND 3 THEN NULL ELSE ?2 END,
  token = NULL, tried_at = NULL
WHERE delivery = ?1
