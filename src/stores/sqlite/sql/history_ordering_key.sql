-- The ordering key of an event.
SELECT ordering_key FROM hookpost_event WHERE event = ?1
