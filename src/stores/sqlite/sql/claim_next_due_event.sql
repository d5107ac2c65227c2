-- When the first event is to be routed: the first entry of an index.
SELECT min(due_at) FROM hookpost_routing INDEXED BY hookpost_routing_due WHERE due_at IS NOT NULL
