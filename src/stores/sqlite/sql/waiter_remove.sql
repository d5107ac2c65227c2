-- Removes an endpoint that no longer waits under a limit.
-- Plan: SEARCH hookpost_waiter USING PRIMARY KEY (scope=? AND of=? AND window_us=? AND endpoint=?)
DELETE FROM hookpost_waiter WHERE scope = ?1 AND of = ?2 AND window_us = ?3 AND endpoint = ?4
