-- Those who did not come for long, of limits that nobody may ask for any more.
-- Plan: SEARCH hookpost_waiter USING INDEX hookpost_waiter_comes (comes_at<?)
DELETE FROM hookpost_waiter WHERE comes_at <= ?1
