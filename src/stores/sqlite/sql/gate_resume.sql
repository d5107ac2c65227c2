-- Ends the pause of a tenant.
UPDATE hookpost_gate SET paused = 0 WHERE kind = ?1 AND name = ?2
