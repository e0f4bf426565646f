-- Who asked for a request that came in a standard format: the National Provider Identifier.
ALTER TABLE exchanges ADD COLUMN organization TEXT;
CREATE INDEX exchanges_by_organization ON exchanges (organization);

-- Systems that want to be told of answers: one subscription for each requester. Where to and with which headers is sealed.
CREATE TABLE subscriptions (
    id TEXT PRIMARY KEY,
    organization TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('requested', 'active', 'error', 'off')),
    resource TEXT NOT NULL,
    events BIGINT NOT NULL DEFAULT 0,
    tries BIGINT NOT NULL DEFAULT 0,
    due_at_ms BIGINT NOT NULL,
    told_at_ms BIGINT,
    created_by TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
CREATE UNIQUE INDEX subscriptions_one_each ON subscriptions (organization) WHERE state <> 'off';

-- What is to be told: one numbered event for each job that ended, kept before it is sent.
CREATE TABLE notices (
    subscription_id TEXT NOT NULL REFERENCES subscriptions(id),
    number BIGINT NOT NULL,
    case_id TEXT NOT NULL REFERENCES cases(id),
    job_id TEXT NOT NULL REFERENCES jobs(id),
    created_at_ms BIGINT NOT NULL,
    sent_at_ms BIGINT,
    PRIMARY KEY (subscription_id, number),
    UNIQUE (subscription_id, job_id)
);
