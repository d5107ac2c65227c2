-- One endpoint with its present values.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT endpoint, version, id, tenant, name, url, profile, key_id, sealed, subscription, overrides,
  enabled, since, sealed_version, renewal, began
FROM hookpost_endpoint WHERE id = ?1
