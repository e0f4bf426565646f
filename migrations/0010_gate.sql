-- The submit gate that took a permit, and its certificate that nothing was sent. The word of the proof stays `not_clicked`, which the
-- program of the release before understands: the gate saw to it that the click reached nothing.
ALTER TABLE intents ADD COLUMN gate_key TEXT;
ALTER TABLE intents ADD COLUMN gate_nonce TEXT;
ALTER TABLE intents ADD COLUMN certified_at_ms BIGINT CHECK (certified_at_ms IS NULL OR (void_proof = 'not_clicked' AND gate_nonce IS NOT NULL));
-- An arming takes one permit.
CREATE UNIQUE INDEX intent_gate ON intents (gate_nonce);
