-- Which process receives an upload that comes in one request: when that process starts again, the
-- upload has broken off. Others leave it alone.
ALTER TABLE uploads ADD COLUMN receiver TEXT;
