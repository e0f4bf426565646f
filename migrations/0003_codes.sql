-- Codes that are not there yet when a portal asks for them. When a secret was given to a lease: a code that comes by mail must be
-- newer. Since when a code is waited for: the time of waiting is bounded.
ALTER TABLE releases ADD COLUMN released_at_ms BIGINT;
ALTER TABLE releases ADD COLUMN waits_since_ms BIGINT;

-- Messages whose code was given out: each is used once.
CREATE TABLE code_messages (
    credential_id TEXT NOT NULL REFERENCES credentials(id),
    alias TEXT NOT NULL,
    message TEXT NOT NULL,
    lease_id TEXT NOT NULL,
    used_at_ms BIGINT NOT NULL,
    PRIMARY KEY (credential_id, alias, message)
);

-- A question of an attempt that goes on: which secret it wants, until when, and the code a person has given, sealed, until the
-- attempt has it.
ALTER TABLE exceptions ADD COLUMN code_alias TEXT;
ALTER TABLE exceptions ADD COLUMN answer_by_ms BIGINT;
ALTER TABLE exceptions ADD COLUMN code TEXT;
