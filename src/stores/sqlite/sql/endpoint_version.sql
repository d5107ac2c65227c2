-- The present version of an endpoint, which a write compares with the expected one.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT tenant, version, endpoint, enabled, began FROM hookpost_endpoint WHERE id = ?1
