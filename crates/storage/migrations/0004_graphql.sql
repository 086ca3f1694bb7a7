-- What the GraphQL API needs: a refresh token that was exchanged a moment ago, and who works.

ALTER TABLE sessions ADD COLUMN previous_id TEXT;
ALTER TABLE sessions ADD COLUMN previous_until BIGINT;

CREATE TABLE workers (
    id TEXT PRIMARY KEY NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    slots BIGINT NOT NULL CHECK (slots >= 0),
    busy BIGINT NOT NULL CHECK (busy >= 0),
    encoders TEXT NOT NULL,
    draining BIGINT NOT NULL CHECK (draining IN (0, 1))
);
CREATE INDEX workers_by_sign ON workers (seen_at);

CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
