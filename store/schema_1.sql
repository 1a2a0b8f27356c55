-- The first schema: runs alone. Kept for `migrations.py`; what is now is in `schema.sql`.
--
-- Times are microseconds since the epoch, UTC. Within one root run, flow runs and task runs go by the small numbers
-- of its journal: task runs 1, 2, …; flow runs 0 (the root), 1, 2, …. `root` and `run` are `flow_run.run`.

CREATE TABLE flow_run (
    run INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 36),
    name TEXT NOT NULL,
    flow_name TEXT NOT NULL,
    -- A root run names itself.
    root INTEGER NOT NULL REFERENCES flow_run (run),
    number INTEGER NOT NULL CHECK (number >= 0),
    -- The flow run and the number of the task run in whose body a subflow was called.
    parent INTEGER REFERENCES flow_run (run),
    parent_task INTEGER,
    -- The newest attempt of a root run; the only one of a subflow.
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    state_type TEXT NOT NULL,
    state_name TEXT NOT NULL,
    message TEXT,
    run_count INTEGER NOT NULL CHECK (run_count >= 0),
    created_at INTEGER NOT NULL,
    -- Start and end of the newest attempt.
    started_at INTEGER,
    ended_at INTEGER,
    due_at INTEGER,
    -- JSON: an object, a list of text, an object.
    parameters TEXT NOT NULL,
    tags TEXT NOT NULL,
    source TEXT NOT NULL,
    value TEXT,
    -- JSON of an `ErrorReport`.
    error TEXT,
    -- Last, since it can be long: the pickled arguments, for a later attempt.
    arguments BLOB,
    UNIQUE (root, number),
    CHECK ((number = 0) = (run = root)),
    CHECK ((number = 0) = (parent IS NULL)),
    -- Known words, and an end if and only if final. As CASE, since IN builds a table for each row: 5 microseconds.
    CHECK (
        CASE state_type
            WHEN 'COMPLETED' THEN ended_at IS NOT NULL
            WHEN 'FAILED' THEN ended_at IS NOT NULL
            WHEN 'CANCELLED' THEN ended_at IS NOT NULL
            WHEN 'CRASHED' THEN ended_at IS NOT NULL
            WHEN 'PENDING' THEN ended_at IS NULL
            WHEN 'RUNNING' THEN ended_at IS NULL
            WHEN 'SCHEDULED' THEN ended_at IS NULL
            WHEN 'PAUSED' THEN ended_at IS NULL
            WHEN 'CANCELLING' THEN ended_at IS NULL
            ELSE FALSE
        END
    )
) STRICT;

-- The lists are of root runs, and now and then of subflows too; each run is in one of the two halves.
CREATE INDEX root_run_created ON flow_run (created_at) WHERE parent IS NULL;
CREATE INDEX root_run_of_flow ON flow_run (flow_name, created_at) WHERE parent IS NULL;
CREATE INDEX root_run_in_state ON flow_run (state_type, created_at) WHERE parent IS NULL;
CREATE INDEX subflow_run_created ON flow_run (created_at) WHERE parent IS NOT NULL;
CREATE INDEX subflow_run_of_flow ON flow_run (flow_name, created_at) WHERE parent IS NOT NULL;
CREATE INDEX subflow_run_in_state ON flow_run (state_type, created_at) WHERE parent IS NOT NULL;
CREATE INDEX subflow_run_of_parent ON flow_run (parent) WHERE parent IS NOT NULL;
CREATE INDEX flow_run_named ON flow_run (name, created_at);
CREATE INDEX flow_run_active ON flow_run (root, number) WHERE ended_at IS NULL;

-- Every state that a flow run was ever said to be in.
CREATE TABLE flow_run_state (
    run INTEGER NOT NULL REFERENCES flow_run (run),
    attempt INTEGER NOT NULL,
    -- Sequence number of the record that told it.
    seq INTEGER NOT NULL,
    -- 1: no record told it, it follows from that record being the last, or from the end of the root run.
    inferred INTEGER NOT NULL CHECK (inferred = 0 OR inferred = 1),
    at INTEGER NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    message TEXT,
    run_count INTEGER NOT NULL,
    error TEXT,
    -- 0: it came from an older attempt or after the end, and changed nothing.
    applied INTEGER NOT NULL CHECK (applied = 0 OR applied = 1),
    PRIMARY KEY (run, attempt, seq, inferred)
) STRICT, WITHOUT ROWID;

-- The tasks that ever ran, so that a task run need not spell theirs.
CREATE TABLE task (
    task INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    UNIQUE (key, name)
) STRICT;

CREATE TABLE task_run (
    root INTEGER NOT NULL REFERENCES flow_run (run),
    number INTEGER NOT NULL CHECK (number >= 1),
    run INTEGER NOT NULL REFERENCES flow_run (run),
    parent_task INTEGER,
    task INTEGER NOT NULL REFERENCES task (task),
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    state_type TEXT NOT NULL,
    state_name TEXT NOT NULL,
    message TEXT,
    run_count INTEGER NOT NULL CHECK (run_count >= 0),
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    -- Start of the body's latest try, where that is not the first one.
    tried_at INTEGER,
    ended_at INTEGER,
    due_at INTEGER,
    map_index INTEGER,
    position INTEGER,
    -- NULL: made of the task's name and the number, see `journal.default_run_name`.
    name TEXT,
    -- JSON, NULL where empty: a list of text; an object of lists of numbers, negative ones for flow runs.
    tags TEXT,
    upstreams TEXT,
    inputs TEXT,
    digest BLOB,
    value TEXT,
    error TEXT,
    PRIMARY KEY (root, number),
    -- As in `flow_run`.
    CHECK (
        CASE state_type
            WHEN 'COMPLETED' THEN ended_at IS NOT NULL
            WHEN 'FAILED' THEN ended_at IS NOT NULL
            WHEN 'CANCELLED' THEN ended_at IS NOT NULL
            WHEN 'CRASHED' THEN ended_at IS NOT NULL
            WHEN 'PENDING' THEN ended_at IS NULL
            WHEN 'RUNNING' THEN ended_at IS NULL
            WHEN 'SCHEDULED' THEN ended_at IS NULL
            WHEN 'PAUSED' THEN ended_at IS NULL
            WHEN 'CANCELLING' THEN ended_at IS NULL
            ELSE FALSE
        END
    )
) STRICT, WITHOUT ROWID;

CREATE INDEX task_run_of_flow_run ON task_run (run, number);
CREATE INDEX task_run_open ON task_run (root, number) WHERE ended_at IS NULL AND state_name <> 'NotReady';

-- The tries of a task's body that were followed by another one; the latest is in `task_run` itself.
CREATE TABLE task_attempt (
    root INTEGER NOT NULL REFERENCES flow_run (run),
    number INTEGER NOT NULL,
    run_count INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER NOT NULL,
    state_type TEXT NOT NULL,
    state_name TEXT NOT NULL,
    message TEXT,
    error TEXT,
    PRIMARY KEY (root, number, run_count)
) STRICT, WITHOUT ROWID;

-- Counted while ingesting, since counting 100,000 task runs at each look costs 30 ms.
CREATE TABLE task_count (
    run INTEGER NOT NULL REFERENCES flow_run (run),
    attempt INTEGER NOT NULL,
    state_name TEXT NOT NULL,
    tasks INTEGER NOT NULL,
    PRIMARY KEY (run, attempt, state_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE log (
    root INTEGER NOT NULL REFERENCES flow_run (run),
    seq INTEGER NOT NULL,
    run INTEGER NOT NULL,
    task INTEGER,
    at INTEGER NOT NULL,
    level INTEGER NOT NULL,
    logger TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (root, seq)
) STRICT, WITHOUT ROWID;

CREATE INDEX log_of_subflow_run ON log (run, seq) WHERE run <> root;

-- Values on record. `number` is that of a task run, or of a flow run times -1 (so 0 for the root run).
CREATE TABLE result (
    root INTEGER NOT NULL REFERENCES flow_run (run),
    number INTEGER NOT NULL,
    serializer TEXT NOT NULL,
    size INTEGER,
    -- Name in the run's folder `results/`, where it is not kept inline.
    file TEXT,
    data BLOB,
    PRIMARY KEY (root, number)
) STRICT, WITHOUT ROWID;

-- How far each journal is ingested, and who wrote it.
CREATE TABLE journal (
    -- Of the root run; not a number, since a journal may not have told yet what it is about.
    run_id TEXT NOT NULL,
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    offset INTEGER NOT NULL,
    -- -1: no record yet.
    last_seq INTEGER NOT NULL,
    last_at INTEGER,
    opened_at INTEGER,
    pid INTEGER,
    boot_id TEXT,
    host TEXT,
    python TEXT,
    flowctl TEXT,
    -- The first thing in it that made no sense.
    problem TEXT,
    PRIMARY KEY (run_id, attempt)
) STRICT, WITHOUT ROWID;
