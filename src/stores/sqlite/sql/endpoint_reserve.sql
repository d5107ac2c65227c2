-- Draws the number of a registration before its row is written, for a seal is bound to
-- it. The number of a row that is then not written stays unused.
-- Plan: SCAN sqlite_sequence
UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = 'hookpost_endpoint' RETURNING seq
