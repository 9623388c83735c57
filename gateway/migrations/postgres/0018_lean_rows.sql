-- PostgreSQL plans a question with what it asks for, so that its indexes answer what SQLite's did not: nothing to do.
SELECT 1;
