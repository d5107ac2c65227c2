-- A line that was served goes to the place of its first lane, yet behind those that wait.
-- Plan: SEARCH hookpost_line USING PRIMARY KEY (tenant=? AND doubtful=?)
UPDATE hookpost_line SET ready_at = ?3, turn = ?4 WHERE tenant = ?1 AND doubtful = ?2
