-- Stores an event, or nothing where its id or idempotency key is there already.
-- One row write; ON CONFLICT asks the unique indexes that the write must visit anyway.
INSERT INTO hookpost_event (tenant, id, kind, created_at, not_before, expires_at, scope,
  idempotency_key, ordering_key, trace, content_type, payload)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
ON CONFLICT DO NOTHING
