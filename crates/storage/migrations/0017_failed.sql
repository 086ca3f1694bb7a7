-- Videos that failed, the last first, of however many there are.
DROP INDEX assets_failed;
CREATE INDEX assets_failed ON assets (updated_at, id, visibility, owner_id) WHERE state = 'failed';
