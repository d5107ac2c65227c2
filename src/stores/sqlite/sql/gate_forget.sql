-- A gate that holds nothing back needs no row.
DELETE FROM hookpost_gate
WHERE kind = ?1 AND name = ?2 AND paused = 0 AND held_until IS NULL
