-- A tenant's deliveries by state.
SELECT state, count(*) FROM hookpost_delivery INDEXED BY hookpost_delivery_tenant
WHERE tenant = ?1 GROUP BY state
