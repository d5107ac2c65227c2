-- A tenant's deliveries by state.
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_tenant (tenant=?)
-- Plan: USE TEMP B-TREE FOR GROUP BY
SELECT state, count(*) FROM hookpost_delivery INDEXED BY hookpost_delivery_tenant
WHERE tenant = ?1 GROUP BY state
