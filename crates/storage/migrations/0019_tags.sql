-- Tags as people wrote them, in a list (JSON), and by what those that mean the same have in common.
ALTER TABLE assets ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
CREATE TABLE asset_tags (
    tag_key {{KEY}} NOT NULL,
    asset_id BIGINT NOT NULL REFERENCES assets (id) ON DELETE CASCADE,
    PRIMARY KEY (tag_key, asset_id)
);
CREATE INDEX asset_tags_of ON asset_tags (asset_id);
