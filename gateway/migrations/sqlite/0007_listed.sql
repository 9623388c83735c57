-- What was used since midnight is summed up when a process begins.
CREATE INDEX audit_by_time ON audit (time);

-- Files and batches are listed.
CREATE INDEX content_by_kind ON content (kind, tenant, project);
