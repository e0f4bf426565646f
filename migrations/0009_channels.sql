-- Channels beside the portal: how each stands at a payer now. The portal's own state is in `payers`.
CREATE TABLE payer_channels (
    payer_id TEXT NOT NULL REFERENCES payers(id),
    channel TEXT NOT NULL CHECK (channel IN ('fhir_pas', 'x12_core', 'x12_sftp', 'x12_as2', 'rest')),
    rests_until_ms BIGINT,
    downs BIGINT NOT NULL DEFAULT 0,
    -- Calls at work now: taken and given back inside the lease's and the report's own transactions.
    busy BIGINT NOT NULL DEFAULT 0 CHECK (busy >= 0),
    PRIMARY KEY (payer_id, channel)
);

-- Which channel an attempt took, and why this one.
ALTER TABLE attempts ADD COLUMN channel TEXT NOT NULL DEFAULT 'portal'
    CHECK (channel IN ('portal', 'fhir_pas', 'x12_core', 'x12_sftp', 'x12_as2', 'rest'));
ALTER TABLE attempts ADD COLUMN because TEXT NOT NULL DEFAULT '';

-- Which channel an account is for.
ALTER TABLE credentials ADD COLUMN channel TEXT NOT NULL DEFAULT 'portal'
    CHECK (channel IN ('portal', 'fhir_pas', 'x12_core', 'x12_sftp', 'x12_as2', 'rest'));

-- Which channels an agent works.
ALTER TABLE agents ADD COLUMN channels TEXT NOT NULL DEFAULT '["portal"]';
