-- Moves granted starts along with the store's time, below zero: there none meets one that is
-- still to be moved. `timeline_turn_starts` turns them round.
-- Plan: SCAN hookpost_start USING INDEX hookpost_start_spent
UPDATE hookpost_start SET start_by = -(start_by + ?1), counts_until = counts_until + ?1
WHERE ?2 IS NOT NULL
