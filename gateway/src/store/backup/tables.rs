//! Rows of tables: read in one order in both databases, and written many at once.

use futures_util::TryStreamExt as _;
use sqlx::{Any, AnyConnection, Row as _, Transaction};

use super::cell::{Cell, Kind};
use super::file::{row_line, section_line};
use super::manifest::LedgerSums;
use super::schema::{Column, Table, quoted};
use super::{BackupError, Damage};
use crate::audit::Digest;
use crate::store::database::Dialect;

/// What one statement binds at most: well below what both databases take.
const MAX_BOUND: usize = 4_000;
/// Rows wait for each other up to this size.
const MAX_WAITING_BYTES: usize = 4 << 20;

impl Table {
    pub(super) fn kinds(&self) -> Vec<(&str, Kind)> {
        self.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect()
    }

    /// Gives every row to `take`, as a line.
    pub(super) async fn each_row(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
        mut take: impl FnMut(&str) -> Result<(), BackupError> + Send,
    ) -> Result<(), BackupError> {
        let select = sqlx::AssertSqlSafe(self.select(dialect));
        let mut rows = sqlx::query(select).fetch(connection);
        while let Some(row) = rows.try_next().await? {
            let cells = self.columns.iter().enumerate().map(|(at, column)| Cell::of(&row, at, column.kind));
            let cells: Vec<Cell> = cells.collect::<Result<_, _>>()?;
            let Some(line) = row_line(&cells) else {
                let column = self.columns.iter().find(|column| column.kind == Kind::Real);
                let column = column.map(|column| column.name.clone()).unwrap_or_default();
                return Err(BackupError::NoNumber { table: self.name.clone(), column });
            };
            take(&line)?;
        }
        Ok(())
    }

    /// The number of its rows and their hash, as a manifest has them.
    pub(super) async fn sum(
        &self,
        connection: &mut AnyConnection,
        dialect: Dialect,
    ) -> Result<(u64, Digest), BackupError> {
        use sha2::{Digest as _, Sha256};
        let mut hash = Sha256::new();
        hash.update(section_line(&self.name, &self.kinds()));
        hash.update(b"\n");
        let mut num_rows = 0;
        let take = |line: &str| {
            num_rows += 1;
            hash.update(line);
            hash.update(b"\n");
            Ok(())
        };
        self.each_row(connection, dialect, take).await?;
        Ok((num_rows, Digest::from_bytes(hash.finalize().into())))
    }
}

/// Rows of one table on their way into it.
pub(super) struct Inserter<'t> {
    table: &'t Table,
    dialect: Dialect,
    waiting: Vec<Vec<Cell>>,
    waiting_bytes: usize,
}

impl<'t> Inserter<'t> {
    pub(super) fn new(table: &'t Table, dialect: Dialect) -> Self {
        Self { table, dialect, waiting: Vec::new(), waiting_bytes: 0 }
    }

    pub(super) async fn push(
        &mut self,
        transaction: &mut Transaction<'_, Any>,
        row: Vec<Cell>,
    ) -> Result<(), BackupError> {
        self.waiting_bytes += row.iter().map(Cell::num_bytes).sum::<usize>();
        self.waiting.push(row);
        let most = (MAX_BOUND / self.table.columns.len().max(1)).max(1);
        if self.waiting.len() >= most || self.waiting_bytes >= MAX_WAITING_BYTES {
            self.flush(transaction).await?;
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self, transaction: &mut Transaction<'_, Any>) -> Result<(), BackupError> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let statement = sqlx::AssertSqlSafe(self.statement(self.waiting.len()));
        let mut query = sqlx::query(statement);
        for cell in std::mem::take(&mut self.waiting).into_iter().flatten() {
            query = cell.bind(query, self.dialect);
        }
        self.waiting_bytes = 0;
        query.execute(&mut **transaction).await?;
        Ok(())
    }

    fn statement(&self, num_rows: usize) -> String {
        let num_columns = self.table.columns.len();
        let row = |row: usize| {
            let place =
                |(at, column): (usize, &Column)| Cell::place(column.kind, row * num_columns + at + 1, self.dialect);
            let places: Vec<String> = self.table.columns.iter().enumerate().map(place).collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..num_rows).map(row).collect();
        // Numbers that the database gives stay those that it gave.
        let given = if self.dialect == Dialect::Postgres { "OVERRIDING SYSTEM VALUE " } else { "" };
        let (table, columns) = (quoted(&self.table.name), self.table.column_list());
        format!("INSERT INTO {table} ({columns}) {given}VALUES {}", rows.join(", "))
    }
}

/// What the ledger comes to.
pub(super) async fn ledger_sums(connection: &mut AnyConnection) -> Result<LedgerSums, BackupError> {
    let sum = |column: &str| format!("CAST(coalesce(sum({column}), 0) AS TEXT) AS {column}");
    let columns = ["tiyn", "usd_micro", "prompt_tokens", "completion_tokens"].map(sum).join(", ");
    let query = sqlx::AssertSqlSafe(format!("SELECT CAST(count(*) AS TEXT) AS num_rows, {columns} FROM ledger"));
    let row = sqlx::query(query).fetch_one(connection).await?;
    Ok(LedgerSums {
        rows: row.try_get("num_rows")?,
        tiyn: row.try_get("tiyn")?,
        usd_micro: row.try_get("usd_micro")?,
        prompt_tokens: row.try_get("prompt_tokens")?,
        completion_tokens: row.try_get("completion_tokens")?,
    })
}

/// A section of tables must have the columns of its version.
pub(super) fn agrees(table: &Table, columns: &[(String, Kind)]) -> Result<(), Damage> {
    let own = table.columns.iter().map(|column| (column.name.as_str(), column.kind));
    if own.eq(columns.iter().map(|(name, kind)| (name.as_str(), *kind))) {
        Ok(())
    } else {
        Err(Damage::UnknownSection { section: table.name.clone() })
    }
}
