-- What an endpoint's own row says of its queue; the width where it has no lane yet.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
SELECT tenant, url, width, enabled, disabled_why FROM hookpost_endpoint WHERE id = ?1
