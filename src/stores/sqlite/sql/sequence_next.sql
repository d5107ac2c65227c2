-- The next place in the order of events, for a replay, an endpoint or its removal. The table has
-- one row per table with AUTOINCREMENT, and no index.
-- Plan: SCAN sqlite_sequence
UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'hookpost_event' RETURNING seq
