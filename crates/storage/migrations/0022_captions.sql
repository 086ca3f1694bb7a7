-- Captions of an asset: a list (JSON) with the names of their files, and what these take in bytes.
ALTER TABLE assets ADD COLUMN captions TEXT NOT NULL DEFAULT '[]';
ALTER TABLE assets ADD COLUMN captions_bytes BIGINT NOT NULL DEFAULT 0;
