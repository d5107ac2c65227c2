-- A tenant's events that are due to be routed, longest due first.
-- Plan: SEARCH hookpost_routing USING INDEX hookpost_routing_tenant (tenant=? AND due_at<?)
SELECT event, due_at, after, unheard FROM hookpost_routing INDEXED BY hookpost_routing_tenant
WHERE tenant = ?1 AND due_at <= ?2 ORDER BY due_at, event LIMIT ?3
