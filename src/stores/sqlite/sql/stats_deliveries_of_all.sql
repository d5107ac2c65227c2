-- All deliveries, from the smallest index that holds them all.
-- Plan: SCAN hookpost_delivery USING COVERING INDEX hookpost_delivery_id
SELECT count(*) FROM hookpost_delivery
