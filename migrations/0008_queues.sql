-- The list a question stands on, by who in a clinic usually knows the answer; the script's word, else the kind's own. And the person
-- a question is for, when only that one has the answer: the owner of the account a portal has sent a code to.
ALTER TABLE exceptions ADD COLUMN queue TEXT NOT NULL DEFAULT 'operations' CHECK (queue <> '');
ALTER TABLE exceptions ADD COLUMN owner_id TEXT REFERENCES users(id);
UPDATE exceptions SET queue = CASE
    WHEN kind IN ('code_wanted', 'login_refused') THEN 'credentials'
    WHEN kind = 'challenge' THEN 'takeover'
    WHEN kind = 'page_changed' THEN 'drift'
    WHEN kind = 'choose_one' THEN 'eligibility'
    WHEN kind = 'correct' THEN 'coding'
    WHEN kind IN ('unmapped_status', 'in_doubt', 'possible_duplicate', 'already_filed') THEN 'review'
    ELSE 'operations' END;
CREATE INDEX exception_queue ON exceptions (queue, id);
