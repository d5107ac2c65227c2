-- The mark of an unmatched event goes with it.
-- Plan: SEARCH hookpost_unmatched USING INTEGER PRIMARY KEY (rowid=?)
DELETE FROM hookpost_unmatched WHERE event = ?1
