-- Records an attempt once per lease, numbered in the order of recording. It uses VALUES instead
-- of SELECT: inserting the result of a query needs a statement journal (a settlement took 9.4 us
-- against 6.1). If a stored number is too large, the next ones stay at the largest valid number.
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_attempt USING PRIMARY KEY (delivery=?)
INSERT INTO hookpost_attempt (delivery, token, number, began_at, took, status, fault, success, body)
VALUES (?1, ?2,
  min(1 + coalesce((SELECT max(number) FROM hookpost_attempt WHERE delivery = ?1), 0), 4294967295),
  ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT DO NOTHING
