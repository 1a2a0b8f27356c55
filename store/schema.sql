-- The database of one home, whole; `migrations.py` tells how older ones become this one.
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
    -- Goes up with every change of state, so that a request can say which one its sender saw.
    state_version INTEGER NOT NULL DEFAULT 0,
    deployment_id INTEGER REFERENCES deployment (id) ON DELETE SET NULL,
    -- The occurrence of a schedule that it is for.
    scheduled_for INTEGER,
    -- Of its process, where the daemon started it: exit status or negative signal number, bytes, microseconds.
    exit_code INTEGER,
    max_memory INTEGER,
    cpu_us INTEGER,
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
CREATE INDEX flow_run_of_deployment ON flow_run (deployment_id, created_at) WHERE deployment_id IS NOT NULL;
CREATE INDEX flow_run_open_of_deployment ON flow_run (deployment_id)
WHERE ended_at IS NULL AND deployment_id IS NOT NULL;

-- Every state that a flow run was ever said to be in.
CREATE TABLE flow_run_state (
    run INTEGER NOT NULL REFERENCES flow_run (run),
    attempt INTEGER NOT NULL,
    -- Sequence number of the record that told it, or came last before it; -1: none had.
    seq INTEGER NOT NULL,
    -- 0: that record told it. 1, 2, …: it follows from it being the last or from the end of the root run, or the
    -- daemon brought it about.
    inferred INTEGER NOT NULL CHECK (inferred >= 0),
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
    -- JSON: how often it may be tried again, when, and so on; NULL: it has nothing of that kind.
    terms TEXT,
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

-- A flow that the daemon can start by itself, and how.
CREATE TABLE deployment (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    flow_name TEXT NOT NULL,
    -- Its file and the flow's name in it; or its module.
    file TEXT,
    flow_attribute TEXT NOT NULL,
    module TEXT,
    -- JSON: an object, a list of text.
    parameters TEXT NOT NULL,
    tags TEXT NOT NULL,
    description TEXT,
    -- The interpreter, working folder and head of `sys.path` with which it was made.
    python TEXT NOT NULL,
    cwd TEXT NOT NULL,
    path0 TEXT,
    paused INTEGER NOT NULL CHECK (paused IN (0, 1)),
    -- How many of its runs may run at once.
    run_limit INTEGER CHECK (run_limit >= 0),
    -- What an occurrence does that comes while a run of it goes on.
    overlap TEXT NOT NULL CHECK (overlap IN ('skip', 'queue', 'cancel-old', 'allow')),
    -- Who made it: a command, a flow file's own words, a serving script, a `flowctl.toml`.
    origin TEXT NOT NULL CHECK (origin IN ('command', 'code', 'serve', 'toml')),
    parameter_schema TEXT,
    source_hash TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    -- Goes up with every change.
    version INTEGER NOT NULL,
    -- Why it cannot be started now.
    problem TEXT,
    CHECK (file IS NOT NULL OR module IS NOT NULL)
) STRICT;

CREATE INDEX deployment_of_file ON deployment (file) WHERE file IS NOT NULL;

CREATE TABLE schedule (
    id INTEGER PRIMARY KEY,
    deployment_id INTEGER NOT NULL REFERENCES deployment (id) ON DELETE CASCADE,
    -- Its name within the deployment.
    slug TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('cron', 'interval', 'rrule')),
    -- Five or six fields; seconds; lines of RFC 5545.
    expression TEXT NOT NULL,
    timezone TEXT NOT NULL,
    anchor_at INTEGER,
    -- JSON: an object, over the parameters of the deployment.
    parameters TEXT NOT NULL,
    catchup TEXT NOT NULL CHECK (catchup IN ('latest', 'all', 'skip')),
    active INTEGER NOT NULL CHECK (active IN (0, 1)),
    -- Every occurrence up to here is on record.
    checked_until INTEGER NOT NULL,
    -- The first occurrence after that, the end of the year 9999 where there is none; NULL: not worked out yet.
    next_at INTEGER,
    version INTEGER NOT NULL,
    -- Why it does not fire.
    problem TEXT,
    UNIQUE (deployment_id, slug)
) STRICT;

CREATE INDEX schedule_next ON schedule (next_at) WHERE next_at IS NOT NULL;

-- Each instant that a schedule asked for, once.
CREATE TABLE occurrence (
    schedule_id INTEGER NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    -- Of schedules that mean a time of day: that time and its zone, so that neither a clock that was set back nor
    -- new rules of the zone fire it twice.
    local_at TEXT,
    outcome TEXT NOT NULL CHECK (outcome IN ('fired', 'skipped', 'queued')),
    reason TEXT,
    run_id TEXT REFERENCES flow_run (id) ON DELETE SET NULL,
    recorded_at INTEGER NOT NULL,
    PRIMARY KEY (schedule_id, at)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX occurrence_of_day ON occurrence (schedule_id, local_at) WHERE local_at IS NOT NULL;
CREATE INDEX occurrence_of_run ON occurrence (run_id) WHERE run_id IS NOT NULL;

-- A run that the daemon is to start, or has started and looks after; its row in `flow_run` is made with it.
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
    -- JSON: an object, parameter -> value as given. Empty for a later attempt, which has them on record.
    arguments BLOB NOT NULL,
    name TEXT NOT NULL,
    tags TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    scheduled_for INTEGER,
    -- The attempt that is to be made.
    attempt INTEGER NOT NULL CHECK (attempt >= 1),
    -- What it does while other runs of its deployment go on; NULL: as the deployment says.
    overlap TEXT CHECK (overlap IN ('skip', 'queue', 'cancel-old', 'allow')),
    -- When the daemon began to start it, and the process that came of it.
    claimed_at INTEGER,
    pid INTEGER,
    process_started INTEGER,
    boot_id TEXT,
    priority INTEGER NOT NULL,
    -- Of the run, when this was planned.
    state_version INTEGER NOT NULL
) STRICT;

CREATE INDEX planned_run_waiting ON planned_run (due_at) WHERE claimed_at IS NULL;
CREATE INDEX planned_run_of_deployment ON planned_run (deployment_id) WHERE deployment_id IS NOT NULL;

-- Files and folders in which the daemon looks for flows.
CREATE TABLE watched (
    path TEXT PRIMARY KEY,
    added_at INTEGER NOT NULL,
    -- The interpreter that their flows are loaded with.
    python TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE flow_file (
    path TEXT PRIMARY KEY,
    -- Of its content when it was last looked at, and when it last could be loaded.
    hash TEXT,
    good_hash TEXT,
    checked_at INTEGER NOT NULL,
    -- JSON: why it cannot be loaded; a list of the flows it holds.
    problem TEXT,
    flows TEXT NOT NULL,
    -- Goes up whenever other good content comes into force; 0: none ever did.
    version INTEGER NOT NULL DEFAULT 0,
    -- When that was, and how long its import took.
    loaded_at INTEGER,
    import_us INTEGER,
    -- When the file was last written, by its own word.
    changed_at INTEGER,
    -- JSON: lists of the local files it is made of, itself left out, and of its tasks.
    modules TEXT NOT NULL DEFAULT '[]',
    tasks TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;

-- What became of each save of a flow file, the latest of them.
CREATE TABLE reload (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('loaded', 'broken', 'gone', 'failed')),
    -- Why it was looked into; for a module or another file, which.
    cause TEXT NOT NULL CHECK (cause IN ('saved', 'module', 'found', 'asked', 'again')),
    because TEXT,
    -- Of the file: in force before, and now.
    version_before INTEGER NOT NULL,
    version INTEGER NOT NULL,
    import_us INTEGER,
    -- JSON: a list of phrases.
    changes TEXT NOT NULL,
    message TEXT NOT NULL,
    -- Runs under way then, which keep the code they began with.
    runs INTEGER NOT NULL
) STRICT;

CREATE INDEX reload_of_file ON reload (path, id);

-- Flow files as they were when runs of them were planned, compressed by zlib.
CREATE TABLE source (
    hash TEXT PRIMARY KEY,
    content BLOB NOT NULL
) STRICT;

-- How many may hold a named limit at once.
CREATE TABLE run_limit (
    name TEXT PRIMARY KEY,
    slots INTEGER NOT NULL CHECK (slots >= 0)
) STRICT, WITHOUT ROWID;

-- What people asked of the daemon, and what came of it.
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
