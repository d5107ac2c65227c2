-- Disables an endpoint that is still as it was seen: a version counts the writes of one
-- registration alone.
-- Plan: SEARCH hookpost_endpoint USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_endpoint SET enabled = 0, disabled_why = ?4, version = version + 1
WHERE id = ?1 AND endpoint = ?2 AND version = ?3
