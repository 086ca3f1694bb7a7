-- What people know their sessions by: with what they signed in, and when it was last used.
ALTER TABLE sessions ADD COLUMN device TEXT;
ALTER TABLE sessions ADD COLUMN used_at BIGINT;
