-- How long a job was told to wait, in milliseconds, beside the moment at which that is over: after a
-- clock was wrong that moment may be far. 0: it need not wait, whatever the clocks say.
ALTER TABLE jobs ADD COLUMN wait_ms BIGINT NOT NULL DEFAULT 0;
-- How long a claim holds without a sign of life in milliseconds, and how many signs there were. 0
-- from a version that gives none but `lease_until`.
ALTER TABLE jobs ADD COLUMN lease_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN signs BIGINT NOT NULL DEFAULT 0;
