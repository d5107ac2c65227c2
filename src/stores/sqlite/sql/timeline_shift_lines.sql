-- Moves the lines of lanes along with the store's time, back alone as their lanes.
-- Plan: SCAN hookpost_line USING COVERING INDEX hookpost_line_ready
UPDATE hookpost_line SET ready_at = max(-9000000000000000000, min(ready_at, 9000000000000000000)) + min(?1, 0) * (ready_at BETWEEN ?3 AND ?4)
WHERE ?2 IS NOT NULL
