-- Moves granted starts with the store's time, to below zero. There a moved one cannot collide
-- with one that is still to be moved. `timeline_turn_starts` makes them positive again.
-- Plan: SCAN hookpost_start USING INDEX hookpost_start_spent
UPDATE OR REPLACE hookpost_start
SET start_by = -(max(-9000000000000000000, min(start_by, 9000000000000000000)) + ?1 * (start_by BETWEEN ?3 AND ?4)),
  counts_until = max(-9000000000000000000, min(counts_until, 9000000000000000000)) + ?1 * (counts_until BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
