-- When the first line of its kind is ready: the first entry of an index.
-- Plan: SEARCH hookpost_line USING COVERING INDEX hookpost_line_ready (doubtful=?)
SELECT min(ready_at) FROM hookpost_line INDEXED BY hookpost_line_ready WHERE doubtful = ?1
