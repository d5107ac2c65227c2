-- The event of a claimed delivery or routing row.
-- Plan: SEARCH hookpost_event USING INTEGER PRIMARY KEY (rowid=?)
SELECT tenant, id, kind, created_at, not_before, expires_at, scope, idempotency_key,
  ordering_key, trace, content_type, encoding, payload, event
FROM hookpost_event WHERE event = ?1
