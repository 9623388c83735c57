-- Every call of a provider that a request led to, as JSON.
ALTER TABLE audit ADD COLUMN tries TEXT NOT NULL DEFAULT '[]';
