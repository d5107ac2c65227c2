-- One event.
-- Plan: SEARCH hookpost_event USING INDEX hookpost_event_id (tenant=? AND id=?)
SELECT tenant, id, kind, created_at, not_before, expires_at, scope, idempotency_key,
  ordering_key, trace, content_type, encoding, payload, event
FROM hookpost_event WHERE tenant = ?1 AND id = ?2
