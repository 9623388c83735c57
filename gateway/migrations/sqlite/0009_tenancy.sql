-- Tenants, departments and projects as they are kept: what may change has a version, what may be stopped a switch.
ALTER TABLE tenants ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE tenants ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE tenants ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE tenants SET name = id;

CREATE TABLE departments (
    tenant        TEXT NOT NULL REFERENCES tenants (id),
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version       INTEGER NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant, id)
) STRICT;

ALTER TABLE projects ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN department TEXT;
ALTER TABLE projects ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE projects ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
UPDATE projects SET name = id;

ALTER TABLE keys ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE keys ADD COLUMN owner TEXT;
ALTER TABLE keys ADD COLUMN expires_at_ms INTEGER;
ALTER TABLE keys ADD COLUMN frozen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keys ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
CREATE INDEX keys_by_project ON keys (tenant, project, id);
-- Whoever had a key for /admin/v1 might do everything.
UPDATE keys SET role = 'owner' WHERE role = 'admin';

CREATE TABLE switches (
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    reason TEXT NOT NULL,
    by_key TEXT NOT NULL,
    at_ms  INTEGER NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT;

-- Counts every change of the tables above, so that gateways read them anew when there is something new.
CREATE TABLE directory_generation (
    only_row   INTEGER PRIMARY KEY CHECK (only_row = 1),
    generation INTEGER NOT NULL
) STRICT;

INSERT INTO directory_generation (only_row, generation) VALUES (1, 1);

-- What an administrator's act was about.
ALTER TABLE audit ADD COLUMN object TEXT;
