-- Makes a delivery due now.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET due_at = ?2 WHERE delivery = ?1
