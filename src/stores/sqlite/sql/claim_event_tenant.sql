-- The first tenant after this one with unrouted events, and the due time of the earliest: one
-- step of a walk over tenants. It costs the same however many events a tenant has.
-- Plan: SEARCH hookpost_routing USING COVERING INDEX hookpost_routing_tenant (tenant>?)
SELECT tenant, due_at FROM hookpost_routing INDEXED BY hookpost_routing_tenant
WHERE tenant > ?1 AND due_at IS NOT NULL ORDER BY tenant, due_at LIMIT 1
