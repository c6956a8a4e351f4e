-- Reconciliation looks thousands of accounts up at a time: everything it asks of a person stands in one index.
ALTER TABLE people ADD COLUMN phase TEXT NOT NULL DEFAULT '';
UPDATE people SET phase = coalesce(json_extract(head, '$.phase'), '');
DROP INDEX people_object;
CREATE INDEX people_object ON people (object_id, person, fence_up, phase) WHERE object_id IS NOT NULL;
CREATE INDEX grants_target ON grants (target, person);

-- One row per name: the run as it stands. Its sightings are of its present part only.
CREATE TABLE runs (
    name    TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    run     TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE sightings (
    run    TEXT NOT NULL,
    person TEXT NOT NULL,
    PRIMARY KEY (run, person)
) STRICT, WITHOUT ROWID;
-- `wakes`: whether the person is still to be woken.
CREATE TABLE findings (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    run     TEXT NOT NULL,
    key     TEXT NOT NULL,
    kind    TEXT NOT NULL,
    finding TEXT NOT NULL,
    wakes   INTEGER NOT NULL,
    UNIQUE (run, key)
) STRICT;
CREATE INDEX findings_wake ON findings (run, number) WHERE wakes = 1;
