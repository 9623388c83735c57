-- What was used since midnight is summed up when a process begins.
CREATE INDEX audit_by_time ON audit (time);
