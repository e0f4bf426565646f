-- The submission protocol and politeness complete: two more kinds of questions, logins with their result, who a portal account
-- belongs to, decisions that wait for a second person, reports that came too late, and whether the fleet is in quarantine.

-- A person has said that this request is meant although nearly the same one is with the payer.
ALTER TABLE cases ADD COLUMN similar_allowed_at_ms BIGINT;

-- SQLite cannot change a CHECK: the table is written anew, with two more kinds.
CREATE TABLE exceptions_new (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases(id),
    job_id TEXT NOT NULL REFERENCES jobs(id),
    attempt_id TEXT REFERENCES attempts(id),
    payer_id TEXT NOT NULL REFERENCES payers(id),
    intent_id TEXT REFERENCES intents(id),
    kind TEXT NOT NULL CHECK (kind IN ('code_wanted', 'challenge', 'login_refused', 'page_changed', 'choose_one', 'correct', 'unmapped_status', 'not_permitted', 'in_doubt', 'gave_up', 'possible_duplicate', 'already_filed')),
    failure TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'seconding', 'resolved', 'withdrawn')),
    claimed_by TEXT,
    claimed_until_ms BIGINT,
    first_by TEXT,
    resolved_by TEXT,
    -- Sealed: it may hold an outcome.
    resolution TEXT,
    opened_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT,
    rev BIGINT NOT NULL DEFAULT 0,
    code_alias TEXT,
    answer_by_ms BIGINT,
    code TEXT,
    CHECK ((state = 'claimed') = (claimed_by IS NOT NULL)),
    CHECK ((state = 'claimed') = (claimed_until_ms IS NOT NULL)),
    CHECK (state <> 'seconding' OR (first_by IS NOT NULL AND resolution IS NOT NULL)),
    CHECK ((state = 'resolved') = (resolved_by IS NOT NULL)),
    CHECK (state <> 'resolved' OR resolution IS NOT NULL),
    CHECK ((state IN ('resolved', 'withdrawn')) = (closed_at_ms IS NOT NULL)),
    CHECK (first_by IS NULL OR resolved_by IS NULL OR first_by <> resolved_by)
);
INSERT INTO exceptions_new (id, case_id, job_id, attempt_id, payer_id, intent_id, kind, failure, state, claimed_by, claimed_until_ms,
    first_by, resolved_by, resolution, opened_at_ms, closed_at_ms, rev, code_alias, answer_by_ms, code)
SELECT id, case_id, job_id, attempt_id, payer_id, intent_id, kind, failure, state, claimed_by, claimed_until_ms,
    first_by, resolved_by, resolution, opened_at_ms, closed_at_ms, rev, code_alias, answer_by_ms, code FROM exceptions;
DROP TABLE exceptions;
ALTER TABLE exceptions_new RENAME TO exceptions;
CREATE INDEX exception_open ON exceptions (state, id);
CREATE UNIQUE INDEX exception_job ON exceptions (job_id) WHERE state IN ('open', 'claimed', 'seconding');

-- Whether the portal took a login. Unknown counts as refused once its attempt has ended.
ALTER TABLE logins ADD COLUMN result TEXT NOT NULL DEFAULT 'unknown' CHECK (result IN ('unknown', 'good', 'refused'));
CREATE INDEX login_lease ON logins (lease_id);
-- Sliding logs of what was granted.
CREATE INDEX attempt_started ON attempts (started_at_ms);
CREATE INDEX intent_opened ON intents (opened_at_ms);

-- Which program signs in with a portal account, and the person who answers for it.
ALTER TABLE credentials ADD COLUMN identity TEXT;
ALTER TABLE credentials ADD COLUMN owner TEXT;

-- A permission that waits for a second person: only this replaces a prohibition.
CREATE TABLE permission_proposals (
    payer_id TEXT PRIMARY KEY REFERENCES payers(id),
    permission TEXT NOT NULL,
    reason TEXT NOT NULL,
    proposed_by TEXT NOT NULL,
    proposed_at_ms BIGINT NOT NULL
);

-- What an agent told when its lease was over: shown to people, never a change of state.
CREATE TABLE late_reports (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases(id),
    job_id TEXT NOT NULL REFERENCES jobs(id),
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    intent_id TEXT REFERENCES intents(id),
    agent_id TEXT NOT NULL REFERENCES agents(id),
    fence BIGINT NOT NULL,
    -- Sealed: it may hold an outcome.
    body TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    UNIQUE (attempt_id)
);
CREATE INDEX late_report_case ON late_reports (case_id, id);

-- One row: whether the database was found to be older than what this coordinator had written.
CREATE TABLE fleet_state (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    quarantined_since_ms BIGINT,
    quarantine_reason TEXT,
    rev BIGINT NOT NULL DEFAULT 0,
    CHECK ((quarantined_since_ms IS NULL) = (quarantine_reason IS NULL))
);
INSERT INTO fleet_state (id) VALUES (1);
