-- Notes a grant.
INSERT INTO hookpost_start (scope, of, start_by, starts, counts_until) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (scope, of, start_by) DO UPDATE
SET starts = starts + excluded.starts, counts_until = max(counts_until, excluded.counts_until)
