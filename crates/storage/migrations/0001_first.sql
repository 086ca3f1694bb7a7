-- One text for SQLite and PostgreSQL. Moments are milliseconds since 1970 in UTC, yes and no are
-- 1 and 0, failures are JSON. {{ID}} is a number that is never given twice; {{KEY}} is text that
-- both databases compare byte by byte.

CREATE TABLE marks (
    name TEXT PRIMARY KEY NOT NULL,
    made_at BIGINT NOT NULL
);

CREATE TABLE users (
    id {{ID}},
    username TEXT NOT NULL,
    username_key {{KEY}} NOT NULL UNIQUE,
    email TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    active BIGINT NOT NULL CHECK (active IN (0, 1)),
    default_password BIGINT NOT NULL CHECK (default_password IN (0, 1)),
    password_hash TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    refresh_id TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE assets (
    id {{ID}},
    owner_id BIGINT NOT NULL REFERENCES users (id),
    title TEXT NOT NULL,
    title_key {{KEY}} NOT NULL,
    description TEXT NOT NULL,
    search_text TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'unlisted', 'private')),
    state TEXT NOT NULL
        CHECK (state IN ('uploading', 'queued', 'processing', 'ready', 'failed', 'cancelled')),
    playable BIGINT NOT NULL CHECK (playable IN (0, 1)),
    failure TEXT,
    source_key TEXT NOT NULL UNIQUE,
    source_name TEXT NOT NULL,
    source_type TEXT NOT NULL,
    source_bytes BIGINT NOT NULL CHECK (source_bytes >= 0),
    source_sha256 TEXT,
    duration_s DOUBLE PRECISION,
    width BIGINT,
    height BIGINT,
    fps DOUBLE PRECISION,
    views BIGINT NOT NULL CHECK (views >= 0),
    output_attempt BIGINT,
    has_thumbnail BIGINT NOT NULL CHECK (has_thumbnail IN (0, 1)),
    has_storyboard BIGINT NOT NULL CHECK (has_storyboard IN (0, 1)),
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CHECK (playable = 0 OR output_attempt IS NOT NULL),
    CHECK (playable = 0 OR state IN ('processing', 'ready')),
    CHECK (failure IS NULL OR state = 'failed')
);
CREATE INDEX assets_of_owner ON assets (owner_id);
CREATE INDEX assets_by_creation ON assets (created_at, id);
CREATE INDEX assets_by_change ON assets (updated_at, id);
CREATE INDEX assets_by_title ON assets (title_key, id);
CREATE INDEX assets_by_views ON assets (views, id);

CREATE TABLE jobs (
    id {{ID}},
    asset_id BIGINT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled')),
    priority BIGINT NOT NULL,
    attempt BIGINT NOT NULL CHECK (attempt >= 0),
    failures BIGINT NOT NULL CHECK (failures >= 0),
    worker TEXT,
    lease_until BIGINT,
    run_after BIGINT NOT NULL,
    failure TEXT,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    CHECK ((state = 'running') = (worker IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL))
);
CREATE INDEX jobs_of_asset ON jobs (asset_id, id);
CREATE INDEX jobs_queued ON jobs (priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_running ON jobs (lease_until) WHERE state = 'running';
CREATE UNIQUE INDEX jobs_one_live ON jobs (asset_id) WHERE state IN ('queued', 'running');

CREATE TABLE renditions (
    id {{ID}},
    asset_id BIGINT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    rung TEXT NOT NULL,
    width BIGINT NOT NULL,
    height BIGINT NOT NULL,
    bitrate BIGINT NOT NULL,
    file_size BIGINT NOT NULL,
    codecs TEXT,
    encoder TEXT,
    percent DOUBLE PRECISION,
    done BIGINT NOT NULL CHECK (done IN (0, 1)),
    UNIQUE (asset_id, rung)
);

CREATE TABLE uploads (
    id TEXT PRIMARY KEY NOT NULL,
    owner_id BIGINT NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL CHECK (kind IN ('multipart', 'tus')),
    length BIGINT,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'unlisted', 'private')),
    filename TEXT NOT NULL,
    filetype TEXT NOT NULL,
    tus_metadata TEXT,
    tus_concat TEXT,
    asset_id BIGINT REFERENCES assets (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX uploads_of_owner ON uploads (owner_id);
CREATE INDEX uploads_by_end ON uploads (expires_at);
CREATE INDEX uploads_unfinished ON uploads (kind, created_at) WHERE asset_id IS NULL;
CREATE UNIQUE INDEX uploads_of_asset ON uploads (asset_id);

CREATE TABLE garbage (
    id {{ID}},
    key_or_prefix TEXT NOT NULL
);
