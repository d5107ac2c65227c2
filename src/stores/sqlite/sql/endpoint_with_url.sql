-- Another endpoint of the tenant with this URL.
-- Plan: SEARCH hookpost_endpoint USING COVERING INDEX hookpost_endpoint_url (tenant=? AND url=?)
SELECT id FROM hookpost_endpoint INDEXED BY hookpost_endpoint_url
WHERE tenant = ?1 AND url = ?2 AND id <> ?3 ORDER BY id LIMIT 1
