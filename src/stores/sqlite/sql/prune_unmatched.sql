-- The oldest unmatched events.
-- Plan: SEARCH hookpost_unmatched USING COVERING INDEX hookpost_unmatched_created (created_at<?)
SELECT event FROM hookpost_unmatched INDEXED BY hookpost_unmatched_created
WHERE created_at < ?1 ORDER BY created_at LIMIT ?2
