-- Lists of very many videos. Each order has an index that also holds what lists are narrowed by, so that
-- what is left out, or counted, is never read itself.
DROP INDEX assets_of_owner;
DROP INDEX assets_by_creation;
DROP INDEX assets_by_change;
DROP INDEX assets_by_title;
DROP INDEX assets_by_views;
CREATE INDEX assets_by_creation ON assets (created_at, id, visibility, state, owner_id);
CREATE INDEX assets_by_change ON assets (updated_at, id, visibility, state, owner_id);
CREATE INDEX assets_by_title ON assets (title_key, id, visibility, state, owner_id);
CREATE INDEX assets_by_views ON assets (views, id, visibility, state, owner_id);
CREATE INDEX assets_by_length ON assets
    (COALESCE(duration_s, CAST(1e308 AS DOUBLE PRECISION)), id, visibility, state, owner_id);
CREATE INDEX assets_by_length_down ON assets
    (COALESCE(duration_s, CAST(-1.0 AS DOUBLE PRECISION)), id, visibility, state, owner_id);
CREATE INDEX assets_of_owner ON assets (owner_id, created_at, id, visibility, state);
CREATE INDEX assets_failed ON assets (id) WHERE state = 'failed';

-- What the segments of a video take, so that nobody has to add up renditions.
ALTER TABLE assets ADD COLUMN output_bytes BIGINT NOT NULL DEFAULT 0;
UPDATE assets SET output_bytes =
    COALESCE((SELECT SUM(file_size) FROM renditions WHERE renditions.asset_id = assets.id), 0);
CREATE INDEX assets_by_size ON assets ((source_bytes + output_bytes), id);
CREATE INDEX assets_sizes ON assets (owner_id, source_bytes, output_bytes);

-- The pieces of the words of a video, by which a search finds it; see decision 0032.
{{SEARCH}};
