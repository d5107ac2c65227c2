-- Writes a lane after a batch: one write, however much the batch changed.
-- Plan: SEARCH hookpost_lane USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_lane SET host = ?2, paused = ?3, held_until = ?4, ready_at = ?5, width = ?6,
  proven = ?7, streak = ?8, version = ?9, turn = ?10, failing_since = ?11, failing_last = ?12,
  failing_from = ?13, failing_counts = ?14, deliveries = ?15, tried_by = ?16, catch_up_gap = ?17,
  registration = ?18, renewal = ?19
WHERE lane = ?1
