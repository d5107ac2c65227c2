-- The earliest due time over a tenant's lanes: one index entry per lane.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_tenant
-- Plan: CORRELATED SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_due (lane=? AND due_at>?)
SELECT min((SELECT min(due_at) FROM hookpost_delivery INDEXED BY hookpost_delivery_due
  WHERE lane = hookpost_lane.lane AND due_at IS NOT NULL))
FROM hookpost_lane WHERE tenant = ?1 OR ?1 IS NULL
