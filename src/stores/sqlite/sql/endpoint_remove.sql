-- Removes an endpoint. Its lane stays: deliveries of the past name it.
DELETE FROM hookpost_endpoint WHERE id = ?1 AND tenant = ?2
