-- The graphics cards of a worker's machine, as it last said. JSON; NULL from a version that says nothing
-- of them.
ALTER TABLE workers ADD COLUMN cards TEXT;
