-- Stores the store's time, as it continues from here.
INSERT INTO hookpost_time
  (id, boot, zero, written, doubt_zero, doubt_since, doubt_noted, gap_seen, gap_began,
   moved_from, moved_at)
VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (id) DO UPDATE SET boot = excluded.boot, zero = excluded.zero,
  written = excluded.written, doubt_zero = excluded.doubt_zero,
  doubt_since = excluded.doubt_since, doubt_noted = excluded.doubt_noted,
  gap_seen = excluded.gap_seen, gap_began = excluded.gap_began,
  moved_from = excluded.moved_from, moved_at = excluded.moved_at
