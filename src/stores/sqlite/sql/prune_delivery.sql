-- Removes a delivery that retention no longer keeps.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
DELETE FROM hookpost_delivery WHERE delivery = ?1
