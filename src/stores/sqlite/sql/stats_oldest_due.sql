-- The earliest due time over a tenant's lanes: one index entry per lane.
SELECT min((SELECT min(due_at) FROM hookpost_delivery INDEXED BY hookpost_delivery_due
  WHERE lane = hookpost_lane.lane AND due_at IS NOT NULL))
FROM hookpost_lane WHERE tenant = ?1 OR ?1 IS NULL
