-- The row of a tenant's delivery.
SELECT delivery FROM hookpost_delivery WHERE id = ?1 AND tenant = ?2
