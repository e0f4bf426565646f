-- Two more kinds of difference: a page no script knows, and words that mean something new. A CHECK cannot be changed on both databases, so
-- the tables are made anew with what they hold.

CREATE TABLE drift_now (
    id TEXT PRIMARY KEY,
    payer_id TEXT NOT NULL REFERENCES payers(id),
    script TEXT NOT NULL,
    script_sha256 TEXT NOT NULL REFERENCES scripts(sha256),
    element TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('fallback_used', 'healed', 'suggested', 'form_changed', 'fetched_differs',
                                       'screen_unknown', 'meaning_changed')),
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
INSERT INTO drift_now (id, payer_id, script, script_sha256, element, kind, seen, state, decided_by, decided_at_ms, reason, sightings,
                       unreviewed, first_seen_at_ms, last_seen_at_ms, rev)
    SELECT id, payer_id, script, script_sha256, element, kind, seen, state, decided_by, decided_at_ms, reason, sightings,
           unreviewed, first_seen_at_ms, last_seen_at_ms, rev FROM drift;

CREATE TABLE drift_attempts_now (
    drift_id TEXT NOT NULL REFERENCES drift_now(id),
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    seen_at_ms BIGINT NOT NULL,
    PRIMARY KEY (drift_id, attempt_id)
);
INSERT INTO drift_attempts_now (drift_id, attempt_id, seen_at_ms) SELECT drift_id, attempt_id, seen_at_ms FROM drift_attempts;

DROP TABLE drift_attempts;
DROP TABLE drift;
ALTER TABLE drift_now RENAME TO drift;
ALTER TABLE drift_attempts_now RENAME TO drift_attempts;
CREATE INDEX drift_state ON drift (state, id);
CREATE INDEX drift_script ON drift (script_sha256, kind, state);
