-- Adds or changes an endpoint that waits under a limit.
INSERT INTO hookpost_waiter (scope, of, window_us, tenant, endpoint, wanted, since, served_at, comes_at, kept)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (scope, of, window_us, endpoint) DO UPDATE
SET tenant = excluded.tenant, wanted = excluded.wanted, since = excluded.since,
  served_at = excluded.served_at, comes_at = excluded.comes_at, kept = excluded.kept
