-- Whether any tenant or host holds anything back: asked once per batch, since mostly
-- none does.
-- Plan: SCAN CONSTANT ROW
-- Plan: SCALAR SUBQUERY 1
-- Plan: SCAN hookpost_gate
SELECT EXISTS (SELECT 1 FROM hookpost_gate)
