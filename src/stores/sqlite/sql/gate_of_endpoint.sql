-- What the lane of an endpoint without one is made of.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT tenant, url, width FROM hookpost_endpoint WHERE id = ?1
