-- Moves granted starts along with the store's time, below zero: there none meets one that is
-- still to be moved. `timeline_turn_starts` turns them round.
-- Plan: SCAN hookpost_start USING INDEX hookpost_start_spent
UPDATE OR REPLACE hookpost_start
SET start_by = -(max(-9000000000000000000, min(start_by, 9000000000000000000)) + ?1 * (start_by BETWEEN ?3 AND ?4)),
  counts_until = max(-9000000000000000000, min(counts_until, 9000000000000000000)) + ?1 * (counts_until BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
