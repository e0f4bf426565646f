-- What is remembered of scripts' elements, and where payers' pages differ from scripts, for people to review.

-- How an element of a script looked when an attempt last succeeded: sealed JSON without values and without anything of the
-- attempt's patient.
CREATE TABLE fingerprints (
    payer_id TEXT NOT NULL REFERENCES payers(id),
    script_sha256 TEXT NOT NULL REFERENCES scripts(sha256),
    element TEXT NOT NULL,
    print TEXT NOT NULL,
    -- The picture around it.
    evidence_id TEXT REFERENCES evidence(id),
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    seen_at_ms BIGINT NOT NULL,
    PRIMARY KEY (payer_id, script_sha256, element)
);

CREATE TABLE drift (
    id TEXT PRIMARY KEY,
    payer_id TEXT NOT NULL REFERENCES payers(id),
    script TEXT NOT NULL,
    script_sha256 TEXT NOT NULL REFERENCES scripts(sha256),
    element TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fallback_used', 'healed', 'suggested', 'form_changed', 'fetched_differs')),
    -- What was seen last that a person may judge: sealed JSON.
    seen TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'accepted', 'dismissed')),
    decided_by TEXT,
    decided_at_ms BIGINT,
    reason TEXT,
    -- Attempts that saw it, all of them and those since it was last opened.
    sightings BIGINT NOT NULL CHECK (sightings > 0),
    unreviewed BIGINT NOT NULL CHECK (unreviewed >= 0),
    first_seen_at_ms BIGINT NOT NULL,
    last_seen_at_ms BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 0,
    UNIQUE (payer_id, script_sha256, element, kind),
    CHECK ((state = 'open') = (decided_by IS NULL)),
    CHECK ((state = 'open') = (decided_at_ms IS NULL)),
    CHECK ((state = 'open') = (reason IS NULL))
);
CREATE INDEX drift_state ON drift (state, id);
CREATE INDEX drift_script ON drift (script_sha256, kind, state);

CREATE TABLE drift_attempts (
    drift_id TEXT NOT NULL REFERENCES drift(id),
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    seen_at_ms BIGINT NOT NULL,
    PRIMARY KEY (drift_id, attempt_id)
);

-- Why a script is held, and who did it.
ALTER TABLE scripts ADD COLUMN held_reason TEXT;
ALTER TABLE scripts ADD COLUMN held_by TEXT;
