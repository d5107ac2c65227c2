-- The row number of a tenant's delivery.
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_id (id=?)
SELECT delivery FROM hookpost_delivery WHERE id = ?1 AND tenant = ?2
