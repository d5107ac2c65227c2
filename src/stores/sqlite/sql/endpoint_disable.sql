-- Disables an endpoint that is still as it was seen.
UPDATE hookpost_endpoint SET enabled = 0, disabled_why = ?3, version = version + 1
WHERE id = ?1 AND version = ?2
