-- The endpoints that wait under one limit.
-- Plan: SEARCH hookpost_waiter USING PRIMARY KEY (scope=? AND of=? AND window_us=?)
SELECT tenant, endpoint, wanted, since, served_at, comes_at, kept FROM hookpost_waiter
WHERE scope = ?1 AND of = ?2 AND window_us = ?3
