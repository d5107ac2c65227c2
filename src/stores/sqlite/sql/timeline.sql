-- The store's time, as its processes agreed on it: one row.
-- Plan: SEARCH hookpost_time USING INTEGER PRIMARY KEY (rowid=?)
SELECT boot, zero, written, doubt_zero, doubt_since, doubt_noted, gap_seen, gap_began,
  moved_from, moved_at
FROM hookpost_time WHERE id = 1
