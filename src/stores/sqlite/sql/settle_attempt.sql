-- Records an attempt once per lease, numbered in the order of recording. VALUES and not
-- SELECT: inserting what a query gives costs a statement journal.
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_attempt USING PRIMARY KEY (delivery=?)
INSERT INTO hookpost_attempt (delivery, token, number, began_at, took, status, fault, success, body)
VALUES (?1, ?2,
  1 + coalesce((SELECT max(number) FROM hookpost_attempt WHERE delivery = ?1), 0),
  ?3, ?4, ?5, ?6, ?7, ?8)
ON CONFLICT DO NOTHING
