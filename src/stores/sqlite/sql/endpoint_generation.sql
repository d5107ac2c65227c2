-- The number of an endpoint's registration, and how often it has begun anew since.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT endpoint, renewal FROM hookpost_endpoint WHERE id = ?1
