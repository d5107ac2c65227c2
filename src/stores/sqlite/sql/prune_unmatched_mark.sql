-- Removes the mark of an unmatched event that is removed.
-- Plan: SEARCH hookpost_unmatched USING INTEGER PRIMARY KEY (rowid=?)
DELETE FROM hookpost_unmatched WHERE event = ?1
