-- Adds a delivery that is due, parked or leased. Adds nothing if its id exists.
INSERT INTO hookpost_delivery (id, tenant, event, lane, round, test, state, due_at, token,
  prior_due, claimed_at, alone, silent, silent_alone, attempts, born_at, ordering_key,
  born)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10, 0, 0, 0, 0, ?11, ?12, ?13)
ON CONFLICT DO NOTHING
