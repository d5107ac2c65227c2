-- The event with an idempotency key.
-- Plan: SEARCH hookpost_event USING INDEX hookpost_event_idempotency (tenant=? AND idempotency_key=?)
SELECT tenant, id, kind, created_at, not_before, expires_at, scope, idempotency_key,
  ordering_key, trace, content_type, encoding, payload, event
FROM hookpost_event INDEXED BY hookpost_event_idempotency
WHERE tenant = ?1 AND idempotency_key = ?2
