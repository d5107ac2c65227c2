-- Leases a delivery: its due time becomes the end of the lease.
-- Plan: SEARCH hookpost_delivery USING INTEGER PRIMARY KEY (rowid=?)
UPDATE hookpost_delivery SET token = ?2, due_at = ?3, prior_due = ?4, claimed_at = ?5,
  alone = ?6, silent = ?7, silent_alone = ?8
WHERE delivery = ?1
