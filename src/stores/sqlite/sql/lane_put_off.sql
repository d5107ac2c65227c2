-- Puts off a lane that cannot be read.
-- Plan: SEARCH hookpost_lane USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_lane SET ready_at = ?2 WHERE lane = ?1
