-- Removes a line of which no lane has a time at which it is ready.
-- Plan: SEARCH hookpost_line USING PRIMARY KEY (tenant=? AND doubtful=?)
DELETE FROM hookpost_line WHERE tenant = ?1 AND doubtful = ?2
