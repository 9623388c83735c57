-- PostgreSQL plans a question with what it asks for, so that its indexes answer what SQLite's did not; and here several
-- gateways may write at once, also such as know nothing of 0018, so that its trigger counts every row.
SELECT 1;
