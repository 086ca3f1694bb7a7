-- What the newest attempt noted about a source: which streams are used, which are not and why, and
-- what did not stop it. JSON; NULL until there is anything.
ALTER TABLE assets ADD COLUMN notes TEXT;
