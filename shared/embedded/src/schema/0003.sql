-- The work address HR gave at the last look, to find everybody of whom it is said.
ALTER TABLE people ADD COLUMN work_email TEXT;
CREATE INDEX people_work_email ON people (work_email) WHERE work_email IS NOT NULL;
