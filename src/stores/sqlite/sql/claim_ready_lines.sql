-- Ready lines of one kind, longest waiting first, from the index alone: those of tenants
-- that have their share are passed over without a look at their lanes. Each page is at
-- least as long as what was read before it, so that passing over that costs no more than
-- reading.
-- Plan: SEARCH hookpost_line USING COVERING INDEX hookpost_line_ready (doubtful=? AND ready_at<?)
SELECT tenant, ready_at, turn FROM hookpost_line INDEXED BY hookpost_line_ready
WHERE doubtful = ?1 AND ready_at <= ?2 ORDER BY ready_at, turn, tenant
LIMIT ?3 OFFSET ?4
