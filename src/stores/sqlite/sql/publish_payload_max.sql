-- The largest payload that the host's own transactions may publish: one row.
-- Plan: SCAN hookpost_schema
SELECT payload_max FROM hookpost_schema
