/** The tables of the state database, one migration a version. Pure. */

/** In the file's header: "cfry". */
export const APPLICATION_ID = 0x63667279

/**
 * The first makes version 1 of an empty file, the next version 2 of version 1. What has been released is never changed. A
 * table that belongs to a lineage refers to `lineages`, so that `forget` takes its rows as well.
 */
export const MIGRATIONS: readonly string[] = [
  `
-- each certificate's place on disk, and what is uploaded of it
CREATE TABLE lineages (
  name TEXT PRIMARY KEY,
  path TEXT,
  certificate_id TEXT,
  request_id TEXT,
  fingerprint TEXT,
  leaf TEXT,
  names TEXT,
  not_before TEXT,
  not_after TEXT,
  uploaded_at TEXT,
  endpoint TEXT,
  reused INTEGER,
  chain_stamp TEXT,
  key_stamp TEXT,
  changes_at TEXT
) STRICT, WITHOUT ROWID;

-- every ID that was current before; position 0 is the newest
CREATE TABLE superseded (
  lineage TEXT NOT NULL REFERENCES lineages (name) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  certificate_id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  leaf TEXT,
  endpoint TEXT,
  not_before TEXT,
  not_after TEXT NOT NULL,
  uploaded_at TEXT NOT NULL,
  superseded_at TEXT NOT NULL,
  may_return INTEGER,
  -- 0: this host's upload created it; 1: the service had it already; NULL: not known
  reused INTEGER,
  -- whether a resource of the account uses it
  bound TEXT NOT NULL DEFAULT 'unknown' CHECK (bound IN ('unknown', 'no', 'yes')),
  bound_at TEXT,
  PRIMARY KEY (lineage, position)
) STRICT, WITHOUT ROWID;

-- what the service refused
CREATE TABLE rejections (
  lineage TEXT PRIMARY KEY REFERENCES lineages (name) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  settings TEXT NOT NULL,
  endpoint TEXT NOT NULL,
  api_code TEXT,
  message TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- uploads that do not get through
CREATE TABLE retries (
  lineage TEXT PRIMARY KEY REFERENCES lineages (name) ON DELETE CASCADE,
  fingerprint TEXT NOT NULL,
  since TEXT NOT NULL,
  failures INTEGER NOT NULL,
  next_attempt_at TEXT NOT NULL,
  code TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sent_notifications (key TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE unsent_notifications (
  id INTEGER PRIMARY KEY,
  since TEXT NOT NULL,
  -- JSON
  notification TEXT NOT NULL
) STRICT;

-- overwritten before each upload: where there is no room for it, there is none to record an ID
CREATE TABLE write_probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL) STRICT;
`,
  `
-- how far older IDs have been replaced by the current one
CREATE TABLE replacements (
  lineage TEXT PRIMARY KEY REFERENCES lineages (name) ON DELETE CASCADE,
  state TEXT NOT NULL,
  -- JSON
  document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- reminders of its expiry are switched off
ALTER TABLE superseded ADD COLUMN silenced_at TEXT;

-- it is deleted in the account
ALTER TABLE superseded ADD COLUMN deleted_at TEXT;
`,
  `
-- why the daemon sends nothing, and until when; at most one
CREATE TABLE pauses (
  since TEXT NOT NULL,
  until TEXT NOT NULL,
  message TEXT NOT NULL,
  advice TEXT NOT NULL
) STRICT;
`,
]
