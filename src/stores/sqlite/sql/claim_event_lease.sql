-- Leases an event to a router.
UPDATE hookpost_routing SET token = ?2, due_at = ?3, prior_due = ?4 WHERE event = ?1
