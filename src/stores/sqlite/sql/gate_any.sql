-- Whether any tenant or host holds work back. Read once per batch, because mostly none does. A
-- hold that has ended does not count, whether or not its row has been removed.
-- Plan: SCAN CONSTANT ROW
-- Plan: SCALAR SUBQUERY 1
-- Plan: SEARCH hookpost_gate USING COVERING INDEX hookpost_gate_paused (paused=?)
-- Plan: SCALAR SUBQUERY 2
-- Plan: SEARCH hookpost_gate USING COVERING INDEX hookpost_gate_held (held_until>?)
SELECT EXISTS (SELECT 1 FROM hookpost_gate INDEXED BY hookpost_gate_paused WHERE paused = 1)
  OR EXISTS (SELECT 1 FROM hookpost_gate INDEXED BY hookpost_gate_held WHERE held_until > ?1)
