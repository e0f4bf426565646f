-- Requests that came in a standard format: the sender's own words that an answer has to repeat (identifiers, numbers of items), sealed,
-- without documents.
CREATE TABLE exchanges (
    case_id TEXT PRIMARY KEY REFERENCES cases(id),
    standard TEXT NOT NULL CHECK (standard IN ('pas', 'x12')),
    request TEXT NOT NULL,
    created_at_ms BIGINT NOT NULL
);
