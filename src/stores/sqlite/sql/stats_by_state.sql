-- Counts the next few of a tenant's deliveries by state, and returns the last one's id. The
-- count is made in steps, so that no other read waits for all of it.
-- Plan: CO-ROUTINE page
-- Plan: SEARCH hookpost_delivery USING INDEX hookpost_delivery_tenant (tenant=? AND id>?)
-- Plan: SCAN page
-- Plan: USE TEMP B-TREE FOR GROUP BY
SELECT state, count(*), max(id) FROM (
  SELECT state, id FROM hookpost_delivery INDEXED BY hookpost_delivery_tenant
  WHERE tenant = ?1 AND id > ?2 ORDER BY id LIMIT ?3) AS page
GROUP BY state
