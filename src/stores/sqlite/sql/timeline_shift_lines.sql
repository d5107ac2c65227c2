-- Moves the lines of lanes with the store's time: only backward, like their lanes.
-- Plan: SCAN hookpost_line USING COVERING INDEX hookpost_line_ready
UPDATE hookpost_line SET ready_at = max(-9000000000000000000, min(ready_at, 9000000000000000000)) + min(?1, 0) * (ready_at BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
