-- Poster pictures that people choose. A file is noted before it is written, and the note counts as
-- garbage only from then on, so that one whose writer died goes, too.

ALTER TABLE assets ADD COLUMN chosen_thumbnail TEXT;
ALTER TABLE garbage ADD COLUMN not_before BIGINT NOT NULL DEFAULT 0;
