-- The earliest due time or lease end over a tenant's lanes: two index entries per lane.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_tenant
-- Plan: CORRELATED SCALAR SUBQUERY 2
-- Plan: MERGE (UNION ALL)
-- Plan: LEFT
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_due (lane=? AND due_at>?)
-- Plan: RIGHT
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_leased (lane=? AND due_at>?)
SELECT min((
    SELECT due_at FROM hookpost_delivery INDEXED BY hookpost_delivery_due
    WHERE lane = hookpost_lane.lane AND due_at IS NOT NULL AND token IS NULL
    UNION ALL
    SELECT due_at FROM hookpost_delivery INDEXED BY hookpost_delivery_leased
    WHERE lane = hookpost_lane.lane AND due_at IS NOT NULL AND token IS NOT NULL
    ORDER BY due_at LIMIT 1))
FROM hookpost_lane WHERE tenant = ?1 OR ?1 IS NULL
