-- No question was ever answered by these: each names all that it can be asked for, set or not, which SQLite cannot look up.
-- What is left of them is a write, or several, for every request.
DROP INDEX audit_by_tenant_and_time;
DROP INDEX audit_by_key_and_time;
DROP INDEX ledger_by_day;
DROP INDEX ledger_by_key_and_time;
DROP INDEX ledger_by_tenant_and_day;
