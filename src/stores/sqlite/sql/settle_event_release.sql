-- Gives an event back as it was.
UPDATE hookpost_routing SET token = NULL, due_at = prior_due WHERE event = ?1
