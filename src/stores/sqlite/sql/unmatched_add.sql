-- Marks an event that no endpoint wanted, if it has no delivery. The mark is a row of its own:
-- a change of a column of the event would write the payload again.
-- Plan: SEARCH hookpost_event USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_event (event=?)
INSERT INTO hookpost_unmatched (event, created_at)
SELECT event, created_at FROM hookpost_event
WHERE event = ?1
  AND NOT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_event
    WHERE hookpost_delivery.event = ?1)
ON CONFLICT DO NOTHING
