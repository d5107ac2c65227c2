-- A delivery's silent leases.
SELECT token, claimed_at FROM hookpost_silent_lease WHERE delivery = ?1 ORDER BY claimed_at
