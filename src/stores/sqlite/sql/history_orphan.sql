-- Marks a leased delivery whose endpoint was removed. Whatever its result, it is not tried again.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET orphaned = 1 WHERE delivery = ?1
