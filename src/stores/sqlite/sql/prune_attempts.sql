-- A delivery's attempts go with it.
-- Plan: SEARCH hookpost_attempt USING PRIMARY KEY (delivery=?)
DELETE FROM hookpost_attempt WHERE delivery = ?1
