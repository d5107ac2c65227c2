-- Stores an event, unless its id or idempotency key exists already. This is one write of a row:
-- ON CONFLICT reads the unique indexes that the write has to read anyway.
INSERT INTO hookpost_event (tenant, id, kind, created_at, not_before, expires_at, scope,
  idempotency_key, ordering_key, trace, content_type, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
