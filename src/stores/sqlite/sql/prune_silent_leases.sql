-- A delivery's silent leases go with it.
DELETE FROM hookpost_silent_lease WHERE delivery = ?1
