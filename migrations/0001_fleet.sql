-- The fleet's tables. One text for SQLite and Postgres: ids, words and JSON are TEXT, instants are unix milliseconds in BIGINT,
-- flags are BIGINT 0/1, sealed values are base64 TEXT. The CHECKs repeat the state machines of the crate `domain`.

CREATE TABLE pools (
    id TEXT PRIMARY KEY,
    paused_reason TEXT,
    rev BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE payers (
    id TEXT PRIMARY KEY,
    pool_id TEXT NOT NULL REFERENCES pools(id),
    profile TEXT NOT NULL,
    paused_reason TEXT,
    rests_until_ms BIGINT,
    downs BIGINT NOT NULL DEFAULT 0,
    -- Portal sessions at work now: taken and given back inside the lease's and the report's own transactions.
    sessions BIGINT NOT NULL DEFAULT 0 CHECK (sessions >= 0),
    sessions_max BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    login TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    roles TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'locked')),
    created_at_ms BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE sessions (
    token_sha256 TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users(id),
    created_at_ms BIGINT NOT NULL,
    seen_at_ms BIGINT NOT NULL,
    expires_at_ms BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    key_sha256 TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    roles TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    revoked_at_ms BIGINT
);

CREATE TABLE idempotency (
    actor TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    call_sha256 TEXT NOT NULL,
    status BIGINT NOT NULL,
    answer TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    PRIMARY KEY (actor, idempotency_key)
);

CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    payer_id TEXT NOT NULL REFERENCES payers(id),
    account TEXT NOT NULL,
    aliases TEXT NOT NULL,
    secrets TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('good', 'refused')),
    refused_at_ms BIGINT,
    created_at_ms BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 0,
    UNIQUE (payer_id, account),
    CHECK ((state = 'refused') = (refused_at_ms IS NOT NULL))
);

CREATE TABLE scripts (
    sha256 TEXT PRIMARY KEY,
    script TEXT NOT NULL,
    payer_id TEXT NOT NULL,
    task TEXT NOT NULL CHECK (task IN ('submit', 'auth_status', 'claim_status', 'eligibility', 'precheck', 'renewal', 'letter')),
    files TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'retired', 'held')),
    published_by TEXT NOT NULL,
    published_at_ms BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX script_live ON scripts (script) WHERE state = 'live';

CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    pool_id TEXT NOT NULL REFERENCES pools(id),
    slots BIGINT NOT NULL,
    version TEXT NOT NULL,
    browser TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('accepting', 'draining', 'gone')),
    seen_at_ms BIGINT NOT NULL,
    hello_at_ms BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL DEFAULT 0,
    browser_ok BIGINT NOT NULL DEFAULT 1,
    rev BIGINT NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX agent_name ON agents (name) WHERE state <> 'gone';

-- Signed-in portal sessions that an agent keeps in free slots: they count against the payer's limit while the agent lives.
CREATE TABLE kept_sessions (
    agent_id TEXT NOT NULL REFERENCES agents(id),
    payer_id TEXT NOT NULL REFERENCES payers(id),
    sessions BIGINT NOT NULL CHECK (sessions > 0),
    PRIMARY KEY (agent_id, payer_id)
);

CREATE TABLE documents (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);

CREATE TABLE cases (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('prior_auth', 'auth_status', 'claim_status', 'eligibility', 'precheck', 'letter')),
    payer_id TEXT NOT NULL REFERENCES payers(id),
    status TEXT NOT NULL CHECK (status IN ('received', 'working', 'attention', 'complete', 'failed', 'withdrawn')),
    request TEXT NOT NULL,
    member_index TEXT NOT NULL,
    dedup_key TEXT,
    round BIGINT NOT NULL DEFAULT 1,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    rev BIGINT NOT NULL DEFAULT 0,
    CHECK ((kind = 'prior_auth') = (dedup_key IS NOT NULL))
);
CREATE INDEX case_status ON cases (status, id);
CREATE INDEX case_member ON cases (member_index);
CREATE INDEX case_dedup ON cases (dedup_key) WHERE dedup_key IS NOT NULL;

CREATE TABLE case_documents (
    case_id TEXT NOT NULL REFERENCES cases(id),
    document_id TEXT NOT NULL REFERENCES documents(id),
    PRIMARY KEY (case_id, document_id)
);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases(id),
    payer_id TEXT NOT NULL REFERENCES payers(id),
    task TEXT NOT NULL CHECK (task IN ('submit', 'auth_status', 'claim_status', 'eligibility', 'precheck', 'renewal', 'letter')),
    script_sha256 TEXT NOT NULL REFERENCES scripts(sha256),
    state TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'resting', 'waiting', 'in_doubt', 'done', 'failed', 'cancelled')),
    ready_at_ms BIGINT NOT NULL,
    -- Rises with every lease and never falls.
    fence BIGINT NOT NULL DEFAULT 0,
    -- Attempts that count: what an agent gave back with nothing sent is taken off again.
    attempts BIGINT NOT NULL DEFAULT 0,
    -- Work attempts since intake or since a person's retry: what the retry schedule counts.
    tries BIGINT NOT NULL DEFAULT 0,
    attempts_max BIGINT NOT NULL,
    lease_id TEXT,
    agent_id TEXT REFERENCES agents(id),
    lease_expires_at_ms BIGINT,
    purpose TEXT CHECK (purpose IN ('work', 'reconcile')),
    attempt_id TEXT,
    intent_id TEXT,
    rests_until_ms BIGINT,
    failure TEXT,
    exception_id TEXT,
    look_at_ms BIGINT,
    looks BIGINT,
    outcome TEXT,
    answer TEXT,
    cancel_reason TEXT,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL,
    updated_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    rev BIGINT NOT NULL DEFAULT 0,
    CHECK ((state = 'leased') = (lease_id IS NOT NULL)),
    CHECK ((state = 'leased') = (agent_id IS NOT NULL)),
    CHECK ((state = 'leased') = (lease_expires_at_ms IS NOT NULL)),
    CHECK ((state = 'leased') = (purpose IS NOT NULL)),
    CHECK ((state = 'leased') = (attempt_id IS NOT NULL)),
    CHECK ((state = 'resting') = (rests_until_ms IS NOT NULL)),
    CHECK ((state IN ('resting', 'failed')) = (failure IS NOT NULL)),
    CHECK ((state = 'waiting') = (exception_id IS NOT NULL)),
    CHECK ((state = 'in_doubt') = (look_at_ms IS NOT NULL)),
    CHECK ((state = 'in_doubt') = (looks IS NOT NULL)),
    CHECK (state <> 'in_doubt' OR intent_id IS NOT NULL),
    CHECK (intent_id IS NULL OR state IN ('leased', 'waiting', 'in_doubt')),
    CHECK (purpose <> 'reconcile' OR intent_id IS NOT NULL),
    CHECK ((state = 'done') = (outcome IS NOT NULL)),
    CHECK ((state = 'done') = (answer IS NOT NULL)),
    CHECK ((state = 'cancelled') = (cancel_reason IS NOT NULL)),
    CHECK ((state IN ('done', 'failed', 'cancelled')) = (ended_at_ms IS NOT NULL)),
    CHECK (task IN ('submit', 'renewal') OR intent_id IS NULL)
);
CREATE INDEX job_ready ON jobs (payer_id, ready_at_ms, id) WHERE state = 'ready';
CREATE INDEX job_doubt ON jobs (payer_id, look_at_ms, id) WHERE state = 'in_doubt';
CREATE INDEX job_rest ON jobs (rests_until_ms) WHERE state = 'resting';
CREATE INDEX job_lease ON jobs (lease_expires_at_ms) WHERE state = 'leased';
CREATE INDEX job_case ON jobs (case_id, id);
CREATE INDEX job_state ON jobs (state, id);

CREATE TABLE attempts (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs(id),
    number BIGINT NOT NULL,
    purpose TEXT NOT NULL CHECK (purpose IN ('work', 'reconcile')),
    state TEXT NOT NULL CHECK (state IN ('running', 'paused', 'succeeded', 'failed', 'lost', 'released')),
    failure TEXT,
    exception_id TEXT,
    lease_id TEXT NOT NULL UNIQUE,
    fence BIGINT NOT NULL,
    agent_id TEXT NOT NULL REFERENCES agents(id),
    credential_id TEXT NOT NULL REFERENCES credentials(id),
    script_sha256 TEXT NOT NULL REFERENCES scripts(sha256),
    ask TEXT NOT NULL,
    started_at_ms BIGINT NOT NULL,
    ended_at_ms BIGINT,
    logins BIGINT NOT NULL DEFAULT 0,
    session_reused BIGINT NOT NULL DEFAULT 0,
    UNIQUE (job_id, number),
    UNIQUE (job_id, fence),
    CHECK ((state = 'failed') = (failure IS NOT NULL)),
    CHECK ((state = 'paused') = (exception_id IS NOT NULL)),
    CHECK ((state IN ('succeeded', 'failed', 'lost', 'released')) = (ended_at_ms IS NOT NULL))
);
CREATE INDEX attempt_ask ON attempts (agent_id, ask);

CREATE TABLE steps (
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    step_index BIGINT NOT NULL,
    name TEXT NOT NULL,
    effect TEXT NOT NULL CHECK (effect IN ('read', 'draft', 'commit')),
    state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'skipped')),
    body TEXT NOT NULL,
    received_at_ms BIGINT NOT NULL,
    PRIMARY KEY (attempt_id, step_index)
);

CREATE TABLE evidence (
    id TEXT PRIMARY KEY,
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    step_index BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('screenshot', 'full_page', 'crop', 'dom', 'page_text', 'submit_call', 'print', 'download', 'message')),
    moment TEXT NOT NULL CHECK (moment IN ('before', 'at_act', 'after')),
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    masked BIGINT NOT NULL CHECK (masked IN (0, 1)),
    received_at_ms BIGINT NOT NULL
);
CREATE INDEX evidence_attempt ON evidence (attempt_id, step_index, id);

CREATE TABLE payer_references (
    id TEXT PRIMARY KEY,
    payer_id TEXT NOT NULL REFERENCES payers(id),
    case_id TEXT NOT NULL REFERENCES cases(id),
    job_id TEXT NOT NULL REFERENCES jobs(id),
    kind TEXT NOT NULL,
    -- Keyed index of the number; the number itself is sealed.
    value_index TEXT NOT NULL,
    value TEXT NOT NULL,
    -- Set for the number that proves a submission: it may prove only one.
    intent_id TEXT,
    created_at_ms BIGINT NOT NULL,
    UNIQUE (case_id, kind, value_index)
);
CREATE UNIQUE INDEX reference_once ON payer_references (payer_id, kind, value_index) WHERE intent_id IS NOT NULL;
CREATE INDEX reference_value ON payer_references (value_index);

CREATE TABLE intents (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases(id),
    job_id TEXT NOT NULL REFERENCES jobs(id),
    attempt_id TEXT NOT NULL REFERENCES attempts(id),
    agent_id TEXT NOT NULL REFERENCES agents(id),
    fence BIGINT NOT NULL,
    dedup_key TEXT NOT NULL,
    round BIGINT NOT NULL,
    step_index BIGINT NOT NULL,
    commit_name TEXT NOT NULL,
    payload_sha256 TEXT NOT NULL,
    before_id TEXT NOT NULL REFERENCES evidence(id),
    after_id TEXT REFERENCES evidence(id),
    reference_id TEXT REFERENCES payer_references(id),
    state TEXT NOT NULL CHECK (state IN ('open', 'confirmed', 'void')),
    void_proof TEXT CHECK (void_proof IN ('not_clicked', 'proven_absent', 'declared')),
    ask TEXT NOT NULL,
    opened_at_ms BIGINT NOT NULL,
    -- After this instant nothing of this submission should leave the agent any more; the first look comes later.
    fenced_at_ms BIGINT NOT NULL,
    closed_at_ms BIGINT,
    looks BIGINT NOT NULL DEFAULT 0,
    first_empty_at_ms BIGINT,
    -- Numbers seen after a click that was not proved: hints for people only, sealed.
    candidates TEXT,
    UNIQUE (job_id, ask),
    CHECK (state <> 'confirmed' OR (before_id IS NOT NULL AND after_id IS NOT NULL AND reference_id IS NOT NULL)),
    CHECK ((state = 'void') = (void_proof IS NOT NULL)),
    CHECK ((state = 'open') = (closed_at_ms IS NULL))
);
CREATE UNIQUE INDEX intent_live ON intents (dedup_key, round) WHERE state IN ('open', 'confirmed');
CREATE INDEX intent_case ON intents (case_id, id);

CREATE TABLE exceptions (
    id TEXT PRIMARY KEY,
    case_id TEXT NOT NULL REFERENCES cases(id),
    job_id TEXT NOT NULL REFERENCES jobs(id),
    attempt_id TEXT REFERENCES attempts(id),
    payer_id TEXT NOT NULL REFERENCES payers(id),
    intent_id TEXT REFERENCES intents(id),
    kind TEXT NOT NULL CHECK (kind IN ('code_wanted', 'challenge', 'login_refused', 'page_changed', 'choose_one', 'correct', 'unmapped_status', 'not_permitted', 'in_doubt', 'gave_up')),
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
    CHECK ((state = 'claimed') = (claimed_by IS NOT NULL)),
    CHECK ((state = 'claimed') = (claimed_until_ms IS NOT NULL)),
    CHECK (state <> 'seconding' OR (first_by IS NOT NULL AND resolution IS NOT NULL)),
    CHECK ((state = 'resolved') = (resolved_by IS NOT NULL)),
    CHECK (state <> 'resolved' OR resolution IS NOT NULL),
    CHECK ((state IN ('resolved', 'withdrawn')) = (closed_at_ms IS NOT NULL)),
    CHECK (first_by IS NULL OR resolved_by IS NULL OR first_by <> resolved_by)
);
CREATE INDEX exception_open ON exceptions (state, id);
CREATE UNIQUE INDEX exception_job ON exceptions (job_id) WHERE state IN ('open', 'claimed', 'seconding');

CREATE TABLE logins (
    id TEXT PRIMARY KEY,
    payer_id TEXT NOT NULL REFERENCES payers(id),
    credential_id TEXT NOT NULL REFERENCES credentials(id),
    lease_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);
CREATE INDEX login_payer ON logins (payer_id, at_ms);

CREATE TABLE releases (
    lease_id TEXT NOT NULL,
    alias TEXT NOT NULL,
    releases BIGINT NOT NULL,
    PRIMARY KEY (lease_id, alias)
);

CREATE TABLE code_steps (
    credential_id TEXT NOT NULL REFERENCES credentials(id),
    alias TEXT NOT NULL,
    -- The time step of the one-time code: each is given out once.
    time_step BIGINT NOT NULL,
    lease_id TEXT NOT NULL,
    PRIMARY KEY (credential_id, alias, time_step)
);

CREATE TABLE audit (
    seq BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    actor TEXT NOT NULL,
    act TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_sha256 TEXT NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, seq);

CREATE TABLE audit_head (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    seq BIGINT NOT NULL,
    sha256 TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, sha256) VALUES (1, 0, '');
INSERT INTO pools (id) VALUES ('default');
