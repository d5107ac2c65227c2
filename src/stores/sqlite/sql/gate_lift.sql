-- Ends the hold of a tenant or a host.
UPDATE hookpost_gate SET held_until = NULL WHERE kind = ?1 AND name = ?2
