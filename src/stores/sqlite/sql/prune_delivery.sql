-- A delivery that retention no longer keeps.
DELETE FROM hookpost_delivery WHERE delivery = ?1
