-- Instants are microseconds since 1970; JSON is text in the domain's own serialized form.

-- A message is removed when it is done or moved to the failures. `claim` changes with every receive and every
-- settling, so that a receipt fits one receive only.
CREATE TABLE messages (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    queue         TEXT NOT NULL,
    message_group TEXT NOT NULL,
    body          TEXT NOT NULL,
    sent_at       INTEGER NOT NULL,
    visible_at    INTEGER NOT NULL,
    receives      INTEGER NOT NULL DEFAULT 0,
    claim         INTEGER NOT NULL DEFAULT 0,
    reason        TEXT
) STRICT;
CREATE INDEX messages_queue ON messages (queue);
CREATE INDEX messages_group ON messages (queue, message_group);

-- Outlives the message: an equal id is dropped even after the first message was deleted.
CREATE TABLE deduplication (
    queue      TEXT NOT NULL,
    id         TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX deduplication_expiry ON deduplication (expires_at);

-- The columns beside `head` are what it is found by; `due_at` alone may differ from the head (a sweep moves it on).
CREATE TABLE people (
    person          TEXT NOT NULL UNIQUE,
    version         INTEGER NOT NULL,
    head            TEXT NOT NULL,
    fence_up        INTEGER NOT NULL DEFAULT 0,
    connection      TEXT NOT NULL,
    employee_number TEXT,
    object_id       TEXT,
    upn             TEXT,
    due_at          INTEGER
) STRICT;
CREATE INDEX people_number ON people (employee_number, connection) WHERE employee_number IS NOT NULL;
CREATE INDEX people_object ON people (object_id) WHERE object_id IS NOT NULL;
CREATE INDEX people_upn ON people (upn) WHERE upn IS NOT NULL;
CREATE INDEX people_due ON people (due_at) WHERE due_at IS NOT NULL;

-- `sku` and `since` are set while the step waits for a seat.
CREATE TABLE steps (
    person TEXT NOT NULL REFERENCES people (person) ON DELETE CASCADE,
    id     TEXT NOT NULL,
    step   TEXT NOT NULL,
    due_at INTEGER,
    sku    TEXT,
    since  INTEGER,
    PRIMARY KEY (person, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX steps_due ON steps (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX steps_waiting ON steps (sku, since) WHERE sku IS NOT NULL;

CREATE TABLE grants (
    person TEXT NOT NULL REFERENCES people (person) ON DELETE CASCADE,
    target TEXT NOT NULL,
    entry  TEXT NOT NULL,
    PRIMARY KEY (person, target)
) STRICT, WITHOUT ROWID;

CREATE TABLE timeline (
    person   TEXT NOT NULL REFERENCES people (person) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    entry    TEXT NOT NULL,
    PRIMARY KEY (person, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
    person     TEXT NOT NULL PRIMARY KEY,
    holder     TEXT NOT NULL,
    held_until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Never deleted from: an address once issued is never issued to somebody else.
CREATE TABLE addresses (
    address TEXT NOT NULL PRIMARY KEY,
    kind    TEXT NOT NULL,
    holder  TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE switches (
    name     TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (
    id       TEXT NOT NULL UNIQUE,
    function TEXT NOT NULL,
    queue    TEXT,
    person   TEXT,
    cause    TEXT NOT NULL,
    reason   TEXT NOT NULL,
    body     TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    at       INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_at ON failures (at, id);

CREATE TABLE pages (
    key    TEXT NOT NULL PRIMARY KEY,
    person TEXT,
    text   TEXT NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pages_at ON pages (at, key);

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
