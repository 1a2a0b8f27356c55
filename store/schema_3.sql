-- From schema 2 to schema 3: which version of a flow file serves, and what became of each save.

ALTER TABLE flow_file ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flow_file ADD COLUMN loaded_at INTEGER;
ALTER TABLE flow_file ADD COLUMN import_us INTEGER;
ALTER TABLE flow_file ADD COLUMN changed_at INTEGER;
ALTER TABLE flow_file ADD COLUMN modules TEXT NOT NULL DEFAULT '[]';
ALTER TABLE flow_file ADD COLUMN tasks TEXT NOT NULL DEFAULT '[]';

UPDATE flow_file SET version = 1, loaded_at = checked_at WHERE good_hash IS NOT NULL;

CREATE TABLE reload (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('loaded', 'broken', 'gone', 'failed')),
    cause TEXT NOT NULL CHECK (cause IN ('saved', 'module', 'found', 'asked', 'again')),
    because TEXT,
    version_before INTEGER NOT NULL,
    version INTEGER NOT NULL,
    import_us INTEGER,
    changes TEXT NOT NULL,
    message TEXT NOT NULL,
    runs INTEGER NOT NULL
) STRICT;

CREATE INDEX reload_of_file ON reload (path, id);
