-- Counts that an endpoint begins anew.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
UPDATE hookpost_endpoint SET renewal = renewal + 1 WHERE id = ?1
