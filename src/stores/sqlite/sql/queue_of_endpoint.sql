-- The state of a queue according to the endpoint's own row; the width is for an endpoint that
-- has no lane yet.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT tenant, url, width, enabled, disabled_why FROM hookpost_endpoint WHERE id = ?1
