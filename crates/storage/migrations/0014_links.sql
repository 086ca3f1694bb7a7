-- What stands in the address of a video that is not listed: nobody guesses 128 bits of chance. Every video has
-- one, so that it may become unlisted.
ALTER TABLE assets ADD COLUMN link_key {{KEY}};
UPDATE assets SET link_key = {{LINK}};
CREATE UNIQUE INDEX assets_by_link_key ON assets (link_key);
