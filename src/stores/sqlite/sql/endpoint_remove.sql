-- Removes an endpoint. Its lane stays as long as a delivery refers to it.
-- Plan: SEARCH hookpost_endpoint USING INDEX hookpost_endpoint_id (id=?)
DELETE FROM hookpost_endpoint WHERE id = ?1 AND tenant = ?2
