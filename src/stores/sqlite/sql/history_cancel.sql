-- Cancels a delivery. The token of its lease, if it has one, is no longer current.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET state = 3, reason = ?2, due_at = NULL, token = NULL, settled_at = ?3
WHERE delivery = ?1 RETURNING ordering_key
