-- How often the server went down while it did a job. A drain does not count.
ALTER TABLE jobs ADD COLUMN losses BIGINT NOT NULL DEFAULT 0;
