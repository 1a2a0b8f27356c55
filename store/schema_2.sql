-- From schema 1, of runs alone, to schema 2, with what the daemon keeps.

ALTER TABLE flow_run ADD COLUMN state_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE flow_run ADD COLUMN deployment_id INTEGER REFERENCES deployment (id) ON DELETE SET NULL;
ALTER TABLE flow_run ADD COLUMN scheduled_for INTEGER;
ALTER TABLE flow_run ADD COLUMN exit_code INTEGER;
ALTER TABLE flow_run ADD COLUMN max_memory INTEGER;
ALTER TABLE flow_run ADD COLUMN cpu_us INTEGER;

-- The arguments go to the end again.
CREATE TEMP TABLE kept_arguments (run INTEGER PRIMARY KEY, arguments BLOB);
INSERT INTO kept_arguments SELECT run, arguments FROM flow_run WHERE arguments IS NOT NULL;
ALTER TABLE flow_run DROP COLUMN arguments;
ALTER TABLE flow_run ADD COLUMN arguments BLOB;
UPDATE flow_run SET arguments = (SELECT k.arguments FROM kept_arguments k WHERE k.run = flow_run.run);
DROP TABLE kept_arguments;

CREATE INDEX flow_run_of_deployment ON flow_run (deployment_id, created_at) WHERE deployment_id IS NOT NULL;
CREATE INDEX flow_run_open_of_deployment ON flow_run (deployment_id)
WHERE ended_at IS NULL AND deployment_id IS NOT NULL;

CREATE TABLE flow_run_state_2 (
    run INTEGER NOT NULL REFERENCES flow_run (run),
    attempt INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    inferred INTEGER NOT NULL CHECK (inferred >= 0),
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    message TEXT,
    run_count INTEGER NOT NULL,
    error TEXT,
    applied INTEGER NOT NULL CHECK (applied = 0 OR applied = 1),
    PRIMARY KEY (run, attempt, seq, inferred)
) STRICT, WITHOUT ROWID;

INSERT INTO flow_run_state_2 SELECT run, attempt, seq, inferred, at, type, name, message, run_count, error, applied
FROM flow_run_state;

DROP TABLE flow_run_state;
ALTER TABLE flow_run_state_2 RENAME TO flow_run_state;

CREATE TABLE deployment (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    flow_name TEXT NOT NULL,
    file TEXT,
    flow_attribute TEXT NOT NULL,
    module TEXT,
    parameters TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT,
    python TEXT NOT NULL,
    cwd TEXT NOT NULL,
    path0 TEXT,
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    run_limit INTEGER CHECK (run_limit >= 0),
    overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'queue', 'cancel-old', 'allow')),
    origin TEXT NOT NULL CHECK (origin IN ('command', 'code', 'serve', 'toml')),
    parameter_schema TEXT,
    source_hash TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    problem TEXT,
    CHECK (file IS NOT NULL OR module IS NOT NULL)
) STRICT;

CREATE INDEX deployment_of_file ON deployment (file) WHERE file IS NOT NULL;

CREATE TABLE schedule (
    id INTEGER PRIMARY KEY,
    deployment_id INTEGER NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
    slug TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cron', 'interval', 'rrule')),
    expression TEXT NOT NULL,
    timezone TEXT NOT NULL,
    anchor_at INTEGER,
    parameters TEXT NOT NULL,
    catchup TEXT NOT NULL CHECK (catchup IN ('latest', 'all', 'skip')),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    checked_until INTEGER NOT NULL,
    next_at INTEGER,
    version INTEGER NOT NULL,
    problem TEXT,
    UNIQUE (deployment_id, slug)
) STRICT;

CREATE INDEX schedule_next ON schedule (next_at) WHERE next_at IS NOT NULL;

CREATE TABLE occurrence (
    schedule_id INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    local_at TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('fired', 'skipped', 'queued')),
    reason TEXT,
    run_id TEXT REFERENCES flow_run (id) ON DELETE SET NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (schedule_id, at)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX occurrence_of_day ON occurrence (schedule_id, local_at) WHERE local_at IS NOT NULL;
CREATE INDEX occurrence_of_run ON occurrence (run_id) WHERE run_id IS NOT NULL;

CREATE TABLE planned_run (
    run_id TEXT PRIMARY KEY REFERENCES flow_run (id) ON DELETE CASCADE,
    deployment_id INTEGER REFERENCES deployment (id) ON DELETE SET NULL,
    file TEXT,
    flow_attribute TEXT NOT NULL,
    module TEXT,
    python TEXT NOT NULL,
    cwd TEXT NOT NULL,
    path0 TEXT,
    source_hash TEXT,
    arguments BLOB NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    scheduled_for INTEGER,
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    overlap TEXT CHECK (overlap IN ('skip', 'queue', 'cancel-old', 'allow')),
    claimed_at INTEGER,
    pid INTEGER,
    process_started INTEGER,
    boot_id TEXT,
    priority INTEGER NOT NULL,
    state_version INTEGER NOT NULL
) STRICT;

CREATE INDEX planned_run_waiting ON planned_run (due_at) WHERE claimed_at IS NULL;
CREATE INDEX planned_run_of_deployment ON planned_run (deployment_id) WHERE deployment_id IS NOT NULL;

CREATE TABLE watched (
    path TEXT PRIMARY KEY,
    added_at INTEGER NOT NULL,
    python TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE flow_file (
    path TEXT PRIMARY KEY,
    hash TEXT,
    good_hash TEXT,
    checked_at INTEGER NOT NULL,
    problem TEXT,
    flows TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE source (
    hash TEXT PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE run_limit (
    name TEXT PRIMARY KEY,
    slots INTEGER NOT NULL CHECK (slots >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE request (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    subject TEXT,
    body TEXT NOT NULL,
    outcome TEXT NOT NULL,
    message TEXT
) STRICT;

CREATE INDEX request_made ON request (at);
