-- All deliveries, from the smallest index.
-- Plan: SCAN hookpost_delivery USING COVERING INDEX hookpost_delivery_event
SELECT count(*) FROM hookpost_delivery
