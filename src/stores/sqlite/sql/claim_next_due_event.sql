-- When the first event is due to be routed: the first entry of an index.
-- Plan: SEARCH hookpost_routing USING COVERING INDEX hookpost_routing_due (due_at>?)
SELECT min(due_at) FROM hookpost_routing INDEXED BY hookpost_routing_due WHERE due_at IS NOT NULL
