-- Removes endpoints that have not asked for long: their limits may not be in use any more.
-- Plan: SEARCH hookpost_waiter USING INDEX hookpost_waiter_comes (comes_at<?)
DELETE FROM hookpost_waiter WHERE comes_at <= ?1
