-- Ready lines of one kind, longest waiting first, from the index alone. Lines of tenants that
-- have their share are skipped without reading their lanes. Each page is at least as long as
-- all pages before it together, so skipping their rows costs no more than reading the page.
-- Plan: SEARCH hookpost_line USING COVERING INDEX hookpost_line_ready (doubtful=? AND ready_at<?)
SELECT tenant, ready_at, turn FROM hookpost_line INDEXED BY hookpost_line_ready
WHERE doubtful = ?1 AND ready_at <= ?2 ORDER BY ready_at, turn, tenant
LIMIT ?3 OFFSET ?4
