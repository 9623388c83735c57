//! Which tables and columns a version of the schema has: what its migrations make, looked up in a database in memory.
//!
//! PostgreSQL's migrations make the same (a test holds that); what else lies in its schema is not ours to save or to drop.

use sqlx::any::install_default_drivers;
use sqlx::{AnyConnection, Connection as _, Row as _};

use super::BackupError;
use super::cell::Kind;
use crate::store::database::{Dialect, MIGRATIONS, migrate_to};

/// Rows that every gateway writes at its start.
const WRITTEN_AT_START: &str = "journal_positions";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Schema {
    pub(super) version: i64,
    /// By name.
    pub(super) tables: Vec<Table>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// It has rows although nobody has done anything yet.
    pub(super) is_seeded: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Its place in the primary key, from 1.
    pub(super) key_place: Option<i64>,
}

impl Schema {
    /// # Errors
    /// A migration makes a column of an unknown kind.
    pub(super) async fn of(version: i64) -> Result<Self, BackupError> {
        install_default_drivers();
        let mut memory = AnyConnection::connect("sqlite::memory:").await?;
        migrate_to(&mut memory, Dialect::Sqlite, version).await?;
        let query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
                     AND name <> $1 ORDER BY name";
        let mut tables = Vec::new();
        for row in sqlx::query(query).bind(MIGRATIONS).fetch_all(&mut memory).await? {
            tables.push(Table::read(&mut memory, row.try_get("name")?).await?);
        }
        Ok(Self { version, tables })
    }

    pub(super) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}

impl Table {
    async fn read(memory: &mut AnyConnection, name: String) -> Result<Self, BackupError> {
        let query = "SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid";
        let mut columns = Vec::new();
        for row in sqlx::query(query).bind(&name).fetch_all(&mut *memory).await? {
            let (column, declared, place): (String, String, i64) =
                (row.try_get("name")?, row.try_get("type")?, row.try_get("pk")?);
            let unknown = || BackupError::UnknownKind { table: name.clone(), column: column.clone() };
            let kind = Kind::declared(&declared).ok_or_else(unknown)?;
            columns.push(Column { name: column, kind, key_place: (place > 0).then_some(place) });
        }
        let count = sqlx::AssertSqlSafe(format!("SELECT count(*) AS rows FROM {}", quoted(&name)));
        let num_rows: i64 = sqlx::query(count).fetch_one(&mut *memory).await?.try_get("rows")?;
        let is_seeded = num_rows > 0 || name == WRITTEN_AT_START;
        Ok(Self { name, columns, is_seeded })
    }

    /// All columns, as a list.
    pub(super) fn column_list(&self) -> String {
        self.columns.iter().map(|column| quoted(&column.name)).collect::<Vec<_>>().join(", ")
    }

    /// Every row, in an order that both databases have: by primary key, texts by their bytes.
    pub(super) fn select(&self, dialect: Dialect) -> String {
        let mut keys: Vec<&Column> = self.columns.iter().filter(|column| column.key_place.is_some()).collect();
        keys.sort_by_key(|column| column.key_place);
        if keys.is_empty() {
            keys = self.columns.iter().collect();
        }
        let by_bytes = |column: &&Column| match (dialect, column.kind) {
            (Dialect::Postgres, Kind::Text) => format!("{} COLLATE \"C\"", quoted(&column.name)),
            _ => quoted(&column.name),
        };
        let order: Vec<String> = keys.iter().map(by_bytes).collect();
        format!("SELECT {} FROM {} ORDER BY {}", self.column_list(), quoted(&self.name), order.join(", "))
    }
}

/// A name as both databases take it, whatever word it is.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
