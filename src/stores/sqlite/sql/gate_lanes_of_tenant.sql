-- The lanes that a tenant's gate may have held back.
-- Plan: SEARCH hookpost_lane USING COVERING INDEX hookpost_lane_tenant (tenant=?)
SELECT lane FROM hookpost_lane INDEXED BY hookpost_lane_tenant WHERE tenant = ?1 ORDER BY lane
