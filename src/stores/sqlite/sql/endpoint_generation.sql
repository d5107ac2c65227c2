-- Which registration of its id an endpoint is, and how often it began anew.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT endpoint, renewal FROM hookpost_endpoint WHERE id = ?1
