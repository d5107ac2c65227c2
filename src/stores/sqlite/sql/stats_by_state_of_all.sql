-- All terminal deliveries by state, from an index alone.
-- Plan: SCAN hookpost_delivery USING COVERING INDEX hookpost_delivery_settled
SELECT state, count(*) FROM hookpost_delivery INDEXED BY hookpost_delivery_settled
WHERE settled_at IS NOT NULL GROUP BY state
