-- Records a grant. The bound keeps the sum of wrong numbers an integer.
INSERT INTO hookpost_start (scope, of, start_by, starts, counts_until) VALUES (?1, ?2, ?3, ?4, ?5)
ON CONFLICT (scope, of, start_by) DO UPDATE
SET starts = min(starts + excluded.starts, 4294967295), counts_until = max(counts_until, excluded.counts_until)
