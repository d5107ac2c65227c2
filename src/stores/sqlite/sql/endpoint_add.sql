-- Adds an endpoint. Its number is the place in the order of events that was reserved for its
-- seal, or else the place where it begins.
INSERT INTO hookpost_endpoint (endpoint, id, tenant, name, url, profile, key_id, sealed, subscription,
  overrides, enabled, since, version, width, sealed_version,
  began)
VALUES (coalesce(?14, ?15), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?12, ?15)
