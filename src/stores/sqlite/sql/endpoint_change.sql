-- Overwrites an endpoint. Without a new seal, the sealed columns stay. If the engine disabled
-- the endpoint, that reason stays until it is enabled.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
UPDATE hookpost_endpoint SET tenant = ?2, name = ?3, url = ?4, profile = ?5,
  key_id = coalesce(?6, key_id), sealed = coalesce(?7, sealed),
  sealed_version = iif(?7 IS NULL, sealed_version, ?12), subscription = ?8,
  overrides = ?9, enabled = ?10, since = ?11, version = ?12, width = ?13, began = ?15,
  disabled_why = CASE WHEN ?10 THEN NULL ELSE disabled_why END
WHERE id = ?1 AND endpoint = coalesce(?14, endpoint)
