-- Moves a line that was served to the place of its first lane, but behind the lines that wait.
-- Plan: SEARCH hookpost_line USING PRIMARY KEY (tenant=? AND doubtful=?)
UPDATE hookpost_line SET ready_at = ?3, turn = ?4 WHERE tenant = ?1 AND doubtful = ?2
