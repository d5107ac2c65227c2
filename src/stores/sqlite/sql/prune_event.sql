-- Removes an event with its last delivery, unless the event is still being routed.
-- Plan: SEARCH hookpost_event USING INTEGER PRIMARY KEY (rowid=?)
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_delivery USING COVERING INDEX hookpost_delivery_event (event=?)
-- Plan: SCALAR SUBQUERY 2
-- Plan: SEARCH hookpost_routing USING INTEGER PRIMARY KEY (rowid=?)
DELETE FROM hookpost_event
WHERE event = ?1
  AND NOT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_event
    WHERE hookpost_delivery.event = ?1)
  AND NOT EXISTS (SELECT 1 FROM hookpost_routing WHERE hookpost_routing.event = ?1)
