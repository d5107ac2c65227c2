-- A delivery's attempts.
SELECT number, token, began_at, took, status, fault, success, body
FROM hookpost_attempt WHERE delivery = ?1 ORDER BY number
