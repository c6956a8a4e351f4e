-- Whom a run has sighted is a bit for each row of the people: written with every page, and small.
DROP TABLE sightings;
ALTER TABLE runs ADD COLUMN sighted BLOB;
CREATE INDEX people_bound ON people (person) WHERE object_id IS NOT NULL;
