-- What a write expects to be there.
SELECT tenant, version FROM hookpost_endpoint WHERE id = ?1
