-- A delivery's attempts go with it.
DELETE FROM hookpost_attempt WHERE delivery = ?1
