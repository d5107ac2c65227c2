-- Forgets a line of which no lane is ready at any time.
-- Plan: SEARCH hookpost_line USING PRIMARY KEY (tenant=? AND doubtful=?)
DELETE FROM hookpost_line WHERE tenant = ?1 AND doubtful = ?2
