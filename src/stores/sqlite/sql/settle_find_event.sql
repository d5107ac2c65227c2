-- The event of a routing's settlement, with the state of its routing.
-- Plan: SEARCH e USING COVERING INDEX hookpost_event_id (tenant=? AND id=?)
-- Plan: SEARCH r USING INTEGER PRIMARY KEY (rowid=?) LEFT-JOIN
SELECT e.event, r.token, r.ordering_key
FROM hookpost_event AS e LEFT JOIN hookpost_routing AS r ON r.event = e.event
WHERE e.tenant = ?1 AND e.id = ?2
