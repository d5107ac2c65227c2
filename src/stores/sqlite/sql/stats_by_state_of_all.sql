-- All terminal deliveries by state, from an index alone.
SELECT state, count(*) FROM hookpost_delivery INDEXED BY hookpost_delivery_settled
WHERE settled_at IS NOT NULL GROUP BY state
