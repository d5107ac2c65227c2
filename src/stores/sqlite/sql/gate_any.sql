-- Whether any tenant or host holds anything back: asked once per batch, since mostly
-- none does.
SELECT EXISTS (SELECT 1 FROM hookpost_gate)
