-- One row for each product somebody ever asked for a seat of. `look_at` alone may differ from the line (a sweep moves it on).
CREATE TABLE lines (
    sku     TEXT NOT NULL PRIMARY KEY,
    version INTEGER NOT NULL,
    line    TEXT NOT NULL,
    look_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX lines_look ON lines (look_at) WHERE look_at IS NOT NULL;
