-- The role of jobs: roll-ups, where our job keeps them.
GRANT SELECT, UPDATE (watermark, whole_from) ON rollup TO steth_jobs;
GRANT SELECT, INSERT, DELETE ON rollup_dirty TO steth_jobs;
GRANT SELECT, INSERT, UPDATE ON reading_1m, reading_1h, reading_1d TO steth_jobs;
