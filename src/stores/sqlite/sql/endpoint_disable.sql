-- Disables an endpoint that is still as it was seen.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
UPDATE hookpost_endpoint SET enabled = 0, disabled_why = ?3, version = version + 1
WHERE id = ?1 AND version = ?2
