//! Rows go in as they are: what the database does of itself when a row comes, and what it demands of rows that refer to
//! others, waits until all are there.

use sqlx::{Any, AnyConnection, Row as _, Transaction};

use super::BackupError;
use super::schema::{Schema, quoted};
use crate::store::database::Dialect;

#[derive(Debug)]
pub(super) struct Loosened {
    /// What makes it as it was.
    tightening: Vec<String>,
}

impl Loosened {
    pub(super) async fn begin(
        transaction: &mut Transaction<'_, Any>,
        dialect: Dialect,
        schema: &Schema,
    ) -> Result<Self, BackupError> {
        match dialect {
            Dialect::Sqlite => Self::of_sqlite(transaction).await,
            Dialect::Postgres => Self::of_postgres(transaction, schema).await,
        }
    }

    pub(super) async fn end(self, transaction: &mut Transaction<'_, Any>) -> Result<(), BackupError> {
        for statement in self.tightening {
            run(transaction, statement).await?;
        }
        Ok(())
    }

    async fn of_sqlite(transaction: &mut Transaction<'_, Any>) -> Result<Self, BackupError> {
        // References are looked at when the transaction ends.
        run(transaction, "PRAGMA defer_foreign_keys = ON".to_owned()).await?;
        let triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name";
        let mut tightening = Vec::new();
        for row in sqlx::query(triggers).fetch_all(&mut **transaction).await? {
            let (name, sql): (String, String) = (row.try_get("name")?, row.try_get("sql")?);
            run(transaction, format!("DROP TRIGGER {}", quoted(&name))).await?;
            tightening.push(sql);
        }
        Ok(Self { tightening })
    }

    async fn of_postgres(transaction: &mut Transaction<'_, Any>, schema: &Schema) -> Result<Self, BackupError> {
        let references = "SELECT CAST(pg_class.relname AS TEXT) AS tab, CAST(conname AS TEXT) AS name \
                          FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid \
                          JOIN pg_namespace ON pg_namespace.oid = relnamespace \
                          WHERE contype = 'f' AND nspname = current_schema() ORDER BY relname, conname";
        let mut tightening = vec!["SET CONSTRAINTS ALL IMMEDIATE".to_owned()];
        for row in sqlx::query(references).fetch_all(&mut **transaction).await? {
            let (table, name): (String, String) = (row.try_get("tab")?, row.try_get("name")?);
            if schema.table(&table).is_none() {
                continue;
            }
            let alter = format!("ALTER TABLE {} ALTER CONSTRAINT {}", quoted(&table), quoted(&name));
            run(transaction, format!("{alter} DEFERRABLE INITIALLY DEFERRED")).await?;
            tightening.push(format!("{alter} NOT DEFERRABLE"));
        }
        for table in &schema.tables {
            run(transaction, format!("ALTER TABLE {} DISABLE TRIGGER USER", quoted(&table.name))).await?;
            tightening.push(format!("ALTER TABLE {} ENABLE TRIGGER USER", quoted(&table.name)));
        }
        Ok(Self { tightening })
    }
}

/// Numbers that PostgreSQL gives go on behind those that are there; SQLite looks itself.
pub(super) async fn go_on_counting(
    transaction: &mut Transaction<'_, Any>,
    dialect: Dialect,
    schema: &Schema,
) -> Result<(), BackupError> {
    if dialect == Dialect::Sqlite {
        return Ok(());
    }
    let counted = "SELECT CAST(table_name AS TEXT) AS tab, CAST(column_name AS TEXT) AS name \
                   FROM information_schema.columns WHERE table_schema = current_schema() AND is_identity = 'YES'";
    for row in sqlx::query(counted).fetch_all(&mut **transaction).await? {
        let (table, column): (String, String) = (row.try_get("tab")?, row.try_get("name")?);
        if schema.table(&table).is_none() {
            continue;
        }
        let query = format!(
            "SELECT setval(pg_get_serial_sequence($1, $2), max({column})) AS last FROM {table} HAVING max({column}) IS NOT NULL",
            column = quoted(&column),
            table = quoted(&table),
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(quoted(&table)).bind(column);
        query.fetch_optional(&mut **transaction).await?;
    }
    Ok(())
}

pub(super) async fn run(connection: &mut AnyConnection, statement: String) -> Result<(), BackupError> {
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(connection).await?;
    Ok(())
}
