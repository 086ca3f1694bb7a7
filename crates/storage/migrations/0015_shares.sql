-- Whose job it is, beside the job, so that the next one is found by index however many wait.
ALTER TABLE jobs ADD COLUMN owner_id BIGINT;
UPDATE jobs SET owner_id = (SELECT assets.owner_id FROM assets WHERE assets.id = jobs.asset_id);
CREATE INDEX jobs_waiting_of ON jobs (owner_id, priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_running_of ON jobs (owner_id) WHERE state = 'running';

-- What accounts had of the workers. turn: the logarithm to base 2 of the milliseconds that their jobs
-- took, those of an hour ago counted half, plus the hours since 1970; decision 0036. waits: 1 if a job of
-- theirs may be queued, 0 if none is.
CREATE TABLE shares (
    owner_id BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    waits BIGINT NOT NULL,
    turn DOUBLE PRECISION NOT NULL
);
CREATE INDEX shares_by_turn ON shares (turn, owner_id) WHERE waits = 1;
INSERT INTO shares (owner_id, waits, turn)
    SELECT DISTINCT owner_id, 1, CAST(0.0 AS DOUBLE PRECISION) FROM jobs WHERE state = 'queued';
