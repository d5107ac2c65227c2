-- A delivery's attempts.
-- Plan: SEARCH hookpost_attempt USING PRIMARY KEY (delivery=?)
-- Plan: USE TEMP B-TREE FOR ORDER BY
SELECT number, token, began_at, took, status, fault, success, body
FROM hookpost_attempt WHERE delivery = ?1 ORDER BY number
