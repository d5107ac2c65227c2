-- A new endpoint.
INSERT INTO hookpost_endpoint (id, tenant, name, url, profile, key_id, sealed, subscription,
  overrides, enabled, since, version, width)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
