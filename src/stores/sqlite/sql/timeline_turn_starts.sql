-- Makes the starts positive again that `timeline_shift_starts` has moved.
-- Plan: SCAN hookpost_start USING INDEX hookpost_start_spent
UPDATE OR REPLACE hookpost_start SET start_by = -start_by
WHERE start_by < 0 AND ?1 IS NOT NULL AND ?2 IS NOT NULL AND ?3 IS NOT NULL AND ?4 IS NOT NULL
