-- Makes a delivery due now.
UPDATE hookpost_delivery SET due_at = ?2 WHERE delivery = ?1
