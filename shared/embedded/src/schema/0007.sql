-- Which licenses the ledger has of somebody, in the one index that reconciliation reads: `+` and the product if packages give it and the tenant has
-- said so, else `-`. Triggers keep it, so that whoever writes a grant need not think of it; a grant is only ever put whole (INSERT OR REPLACE) or deleted.
ALTER TABLE grants ADD COLUMN license TEXT AS (
    CASE WHEN target GLOB 'license:*'
    THEN iif(entry ->> '$.held' AND json_array_length(entry, '$.reasons') > 0, '+', '-') || substr(target, 9) END
) VIRTUAL;
ALTER TABLE people ADD COLUMN licenses TEXT NOT NULL DEFAULT '';
UPDATE people SET licenses = (SELECT coalesce(group_concat(license, ' '), '') FROM grants WHERE grants.person = people.person);
CREATE TRIGGER grants_put AFTER INSERT ON grants WHEN NEW.license IS NOT NULL BEGIN
    UPDATE people SET licenses = (SELECT coalesce(group_concat(license, ' '), '') FROM grants WHERE person = NEW.person)
    WHERE person = NEW.person;
END;
CREATE TRIGGER grants_deleted AFTER DELETE ON grants WHEN OLD.license IS NOT NULL BEGIN
    UPDATE people SET licenses = (SELECT coalesce(group_concat(license, ' '), '') FROM grants WHERE person = OLD.person)
    WHERE person = OLD.person;
END;
DROP INDEX people_object;
CREATE INDEX people_object ON people (object_id, person, fence_up, phase, licenses) WHERE object_id IS NOT NULL;
