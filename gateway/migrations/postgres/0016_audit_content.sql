-- SHA-256 of what is kept, sealed, of a request and of its answer, as its record has them.
ALTER TABLE audit ADD COLUMN content TEXT;
