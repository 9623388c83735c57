-- What was found in answers, by entity.
ALTER TABLE audit ADD COLUMN answer_entities TEXT NOT NULL DEFAULT '{}';
