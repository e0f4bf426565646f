-- A permission of a channel beside the portal that waits for a second person, as `permission_proposals` keeps the portal's.
CREATE TABLE channel_proposals (
    payer_id TEXT NOT NULL REFERENCES payers(id),
    channel TEXT NOT NULL CHECK (channel IN ('fhir_pas', 'x12_core', 'x12_sftp', 'x12_as2', 'rest')),
    permission TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at_ms BIGINT NOT NULL,
    PRIMARY KEY (payer_id, channel)
);
