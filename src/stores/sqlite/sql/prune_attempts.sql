-- Removes the attempts of a delivery that is removed.
-- Plan: SEARCH hookpost_attempt USING PRIMARY KEY (delivery=?)
DELETE FROM hookpost_attempt WHERE delivery = ?1
