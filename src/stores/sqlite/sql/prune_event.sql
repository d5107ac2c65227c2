-- An event goes with its last delivery, unless it is still being routed.
DELETE FROM hookpost_event
WHERE event = ?1
  AND NOT EXISTS (SELECT 1 FROM hookpost_delivery INDEXED BY hookpost_delivery_event
    WHERE hookpost_delivery.event = ?1)
  AND NOT EXISTS (SELECT 1 FROM hookpost_routing WHERE hookpost_routing.event = ?1)
