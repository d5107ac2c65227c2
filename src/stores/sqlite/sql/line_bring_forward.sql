-- Makes a line ready no later than a lane of it that is ready at that moment.
INSERT INTO hookpost_line (tenant, doubtful, ready_at, turn) VALUES (?1, ?2, ?3, 0)
ON CONFLICT (tenant, doubtful) DO UPDATE SET ready_at = excluded.ready_at
WHERE ready_at > excluded.ready_at
