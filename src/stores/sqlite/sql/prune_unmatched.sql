-- The oldest events that no endpoint wanted.
SELECT event FROM hookpost_unmatched INDEXED BY hookpost_unmatched_created
WHERE created_at < ?1 ORDER BY created_at LIMIT ?2
