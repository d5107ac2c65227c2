-- The lanes that a tenant's gate may have closed.
SELECT lane FROM hookpost_lane INDEXED BY hookpost_lane_tenant WHERE tenant = ?1 ORDER BY lane
