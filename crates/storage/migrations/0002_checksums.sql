-- Originals are hashed after they were received; this finds those that wait for it.
CREATE INDEX assets_unhashed ON assets (id) WHERE source_sha256 IS NULL;
