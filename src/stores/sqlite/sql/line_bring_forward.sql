-- A lane of the line is ready at that moment: so is the line, at the latest.
INSERT INTO hookpost_line (tenant, doubtful, ready_at, turn) VALUES (?1, ?2, ?3, 0)
ON CONFLICT (tenant, doubtful) DO UPDATE SET ready_at = excluded.ready_at
WHERE ready_at > excluded.ready_at
