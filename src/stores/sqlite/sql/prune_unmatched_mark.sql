-- The mark of an unmatched event goes with it.
DELETE FROM hookpost_unmatched WHERE event = ?1
