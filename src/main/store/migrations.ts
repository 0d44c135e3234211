/**
 * Numbered steps of the schema: entry n brings user_version from n to n + 1. Only ever append; a released step does not change.
 * JSON columns hold what is shown but not searched; what is filtered or joined has its own column.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE models (
    hash TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    summary TEXT NOT NULL,
    seen_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE datasets (
    hash TEXT PRIMARY KEY,
    spec TEXT NOT NULL,
    split TEXT NOT NULL,
    count INTEGER NOT NULL,
    labelled INTEGER NOT NULL,
    classes TEXT NOT NULL,
    seen_at TEXT NOT NULL
  ) STRICT;

  CREATE TABLE environments (
    id INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    content TEXT NOT NULL
  ) STRICT;

  CREATE TABLE runs (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'done', 'failed', 'interrupted')),
    started_at TEXT NOT NULL,
    ended_at TEXT,
    model_hash TEXT,
    model_path TEXT,
    data_hash TEXT,
    environment_id INTEGER REFERENCES environments (id),
    parameters TEXT NOT NULL,
    results TEXT NOT NULL DEFAULT 'null',
    warnings TEXT NOT NULL DEFAULT '[]',
    note TEXT NOT NULL DEFAULT '',
    deleted_at TEXT
  ) STRICT;
  CREATE INDEX runs_by_time ON runs (started_at DESC);
  CREATE INDEX runs_by_model ON runs (model_hash, started_at DESC);

  CREATE TABLE run_metrics (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (run_id, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX metrics_by_value ON run_metrics (name, value);

  CREATE TABLE run_tags (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (run_id, tag)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE run_layers (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    layer_id TEXT NOT NULL,
    op TEXT NOT NULL,
    type TEXT NOT NULL,
    execution TEXT,
    ms REAL,
    metrics TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (run_id, position)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE run_artifacts (
    run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    path TEXT,
    PRIMARY KEY (run_id, role)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX artifacts_by_content ON run_artifacts (sha256);

  -- Durable measurements (DESIGN section 6): found again by content, whichever run made them.
  CREATE TABLE measurements (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    model_hash TEXT,
    content TEXT NOT NULL,
    result TEXT NOT NULL,
    made_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX measurements_by_model ON measurements (model_hash, kind);

  -- Calibration collections are blobs on disk (by SHA-256); this maps their content key to the blob.
  CREATE TABLE blobs (
    key TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    made_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- The process that does a run (store/owner.ts), so that a run whose process was killed is told from one under way.
  ALTER TABLE runs ADD COLUMN owner TEXT;
  UPDATE runs SET status = 'interrupted' WHERE status = 'running';
  CREATE INDEX runs_under_way ON runs (id) WHERE status = 'running';
  `,
  `
  -- What the window keeps: plans by name, settings, pictures of graphs, the short card of a model for lists.
  CREATE TABLE plans (
    model_hash TEXT NOT NULL,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    saved_at TEXT NOT NULL,
    PRIMARY KEY (model_hash, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE models ADD COLUMN card TEXT;
  ALTER TABLE models ADD COLUMN thumbnail TEXT;

  -- Lists sort and filter by these; the calibrations of a model are found by role.
  CREATE INDEX runs_by_kind ON runs (kind, started_at DESC);
  CREATE INDEX artifacts_by_role ON run_artifacts (role, run_id);
  `,
]
