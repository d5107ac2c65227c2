-- A new endpoint. Its number is one that was reserved, or the next.
INSERT INTO hookpost_endpoint (endpoint, id, tenant, name, url, profile, key_id, sealed, subscription,
  overrides, enabled, since, version, width, sealed_version,
  began)
VALUES (?14, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?12, ?15)
