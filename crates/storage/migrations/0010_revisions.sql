-- What tells an output from every other that is or was anywhere, for addresses whose bytes may be kept
-- for ever. An attempt gets its revision when it begins, an asset that of the output on show.
ALTER TABLE jobs ADD COLUMN revision TEXT;
ALTER TABLE assets ADD COLUMN output_revision TEXT;
UPDATE jobs SET revision = CAST(attempt AS TEXT) || '-' || {{RANDOM}} WHERE state = 'running';
UPDATE assets SET output_revision = COALESCE(
    (SELECT revision FROM jobs WHERE jobs.asset_id = assets.id AND jobs.attempt = assets.output_attempt
     AND jobs.state = 'running'),
    CAST(output_attempt AS TEXT) || '-' || {{RANDOM}})
WHERE output_attempt IS NOT NULL;
