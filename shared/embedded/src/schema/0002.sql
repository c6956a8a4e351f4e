-- What guards admitted, hold or were told: one row per kind, person and subject. `facts` is the fingerprint a refusal binds to.
CREATE TABLE guarded (
    kind    TEXT NOT NULL,
    person  TEXT NOT NULL,
    subject TEXT NOT NULL,
    facts   TEXT NOT NULL,
    state   TEXT NOT NULL,
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    decided TEXT,
    PRIMARY KEY (kind, person, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX guarded_admitted ON guarded (kind, at) WHERE state = 'admitted';
