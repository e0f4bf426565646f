-- Control numbers of X12 that were given: the last one of each series, which is what one sender sends to one receiver. A number is
-- never given twice; gaps are allowed.
CREATE TABLE control_numbers (
    series TEXT PRIMARY KEY,
    used BIGINT NOT NULL CHECK (used >= 0)
);
