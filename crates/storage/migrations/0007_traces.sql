-- The trace that an upload and the job that follows belong to, as a W3C `traceparent`, so that every
-- process that has to do with them continues it. NULL where nobody traces.
ALTER TABLE uploads ADD COLUMN trace TEXT;
ALTER TABLE jobs ADD COLUMN trace TEXT;
