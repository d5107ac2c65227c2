-- All deliveries, from the smallest index.
SELECT count(*) FROM hookpost_delivery
