-- Disables an endpoint that has not changed since it was read. Its number is compared too,
-- because a version counts only the writes of one registration.
-- Plan: SEARCH hookpost_endpoint USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_endpoint SET enabled = 0, disabled_why = ?4, version = version + 1
WHERE id = ?1 AND endpoint = ?2 AND version = ?3
