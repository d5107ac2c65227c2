-- The values for the new lane of an endpoint that has none.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT tenant, url, width FROM hookpost_endpoint WHERE id = ?1
