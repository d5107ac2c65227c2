-- The next gates of one kind that are closed at a moment, in the order of their names.
-- Plan: SEARCH hookpost_gate USING PRIMARY KEY (kind=? AND name>?)
SELECT name, paused, held_until FROM hookpost_gate
WHERE kind = ?1 AND name > ?2 AND (paused OR held_until > ?3)
ORDER BY name LIMIT ?4
