-- What is said of a video while it is uploaded, and whose tags may be suggested to whom.
ALTER TABLE uploads ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
ALTER TABLE asset_tags ADD COLUMN owner_id BIGINT NOT NULL DEFAULT 0;
ALTER TABLE asset_tags ADD COLUMN visibility TEXT NOT NULL DEFAULT 'private';
UPDATE asset_tags SET
    owner_id = (SELECT owner_id FROM assets WHERE assets.id = asset_tags.asset_id),
    visibility = (SELECT visibility FROM assets WHERE assets.id = asset_tags.asset_id);
CREATE INDEX asset_tags_own ON asset_tags (owner_id, tag_key, asset_id);
CREATE INDEX asset_tags_seen ON asset_tags (visibility, tag_key, asset_id);
