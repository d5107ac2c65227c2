-- Disables a tenant's endpoint without reading it. If the engine disabled it before, that
-- reason stays.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
UPDATE hookpost_endpoint SET enabled = 0,
  disabled_why = CASE WHEN enabled THEN NULL ELSE disabled_why END, version = version + 1
WHERE id = ?1 AND tenant = ?2
