-- Writes a delivery's settlement.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET state = ?2, reason = ?3, due_at = ?4, token = NULL, settled_at = ?5,
  attempts = ?6, first_attempt_at = ?7, silent = ?8, silent_alone = ?9, tried_at = ?10,
  why = ?11
WHERE delivery = ?1
