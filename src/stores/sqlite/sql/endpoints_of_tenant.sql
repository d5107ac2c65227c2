-- A tenant's endpoints in the order of their ids.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_tenant (tenant=? AND id>?)
SELECT endpoint, version, id, tenant, name, url, profile, key_id, sealed, subscription, overrides,
  enabled, since, sealed_version, renewal, began
FROM hookpost_endpoint INDEXED BY hookpost_endpoint_tenant
WHERE tenant = ?1 AND id > ?2 ORDER BY id
