-- What an account may take, where an admin said so; otherwise the settings of the server hold.
ALTER TABLE users ADD COLUMN max_bytes BIGINT;
ALTER TABLE users ADD COLUMN max_minutes_a_day BIGINT;
ALTER TABLE users ADD COLUMN max_uploads BIGINT;
ALTER TABLE users ADD COLUMN max_waiting BIGINT;
-- Bytes that an unfinished upload counts with: those that it announced, or may take before it asks again.
ALTER TABLE uploads ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
UPDATE uploads SET reserved = COALESCE(length, 0);
