-- A row is an event that a payer told by a subscription of ours (FHIR PAS), so that a repetition, a gap and a forgery are known for what they
-- are. `sha256` is that of what came; it is empty for a number that was never seen and has been asked after once.
CREATE TABLE payer_events (
    payer_id TEXT NOT NULL REFERENCES payers(id),
    subscription TEXT NOT NULL,
    number BIGINT NOT NULL CHECK (number > 0),
    sha256 TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (payer_id, subscription, number)
);
