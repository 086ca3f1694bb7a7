-- Refresh tokens that were exchanged a moment ago, each of which still leads to the current one. Before,
-- only the last one did.
CREATE TABLE refresh_uses (
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    refresh_id TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (session_id, refresh_id)
);

ALTER TABLE sessions DROP COLUMN previous_id;
ALTER TABLE sessions DROP COLUMN previous_until;
