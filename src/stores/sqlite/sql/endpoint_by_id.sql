-- One endpoint as it stands.
SELECT endpoint, version, id, tenant, name, url, profile, key_id, sealed, subscription, overrides,
  enabled, since
FROM hookpost_endpoint WHERE id = ?1
