//! What a batch of the ledger's rows adds to the sums of months, in memory, so that each sum is written once for all of them.
//!
//! Only of rows that are new, and in SQLite alone: there nobody else writes. PostgreSQL counts each row by itself, as both do
//! with rows that correct others.

use std::collections::BTreeMap;

use sqlx::{Acquire as _, Any, Transaction};

use super::StoreError;
use super::database::Dialect;
use super::ledger_rows::{LEDGER_ROWS, bind_row, stored};
use crate::config::Zone;
use crate::ledger::LedgerRow;

/// A row that is there gets what is to be added.
const ADD: &str = "INSERT INTO ledger_months (tenant, month, project, department, key_id, environment, model, is_external, \
    num_rows, num_calls, num_unpriced, tokens, images, audio_ms, tiyn) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
    ON CONFLICT (tenant, month, project, department, key_id, environment, model, is_external) DO UPDATE SET \
    num_rows = num_rows + excluded.num_rows, num_calls = num_calls + excluded.num_calls, \
    num_unpriced = num_unpriced + excluded.num_unpriced, tokens = tokens + excluded.tokens, \
    images = images + excluded.images, audio_ms = audio_ms + excluded.audio_ms, tiyn = tiyn + excluded.tiyn";

/// Whose sums they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Month<'r> {
    tenant: &'r str,
    year: i16,
    month: i8,
    project: &'r str,
    department: &'r str,
    key_id: &'r str,
    environment: &'r str,
    model: &'r str,
    is_external: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    rows: i64,
    unpriced: i64,
    tokens: i64,
    images: i64,
    audio_ms: i64,
    tiyn: i64,
}

/// Writes rows, and counts those that were not there yet.
pub(super) async fn keep_rows(
    transaction: &mut Transaction<'_, Any>,
    dialect: Dialect,
    rows: &[LedgerRow],
) -> Result<(), StoreError> {
    if dialect == Dialect::Postgres {
        LEDGER_ROWS.rows((transaction, dialect), rows, bind_row).await?;
        return Ok(());
    }
    let mut at_once = transaction.begin().await?;
    if LEDGER_ROWS.rows((&mut at_once, dialect), rows, bind_row).await? == rows.len() as u64 {
        at_once.commit().await?;
        return add(transaction, rows.iter()).await;
    }
    // Some of them came before, as after a crash: one by one it shows which.
    at_once.rollback().await?;
    let mut added = Vec::with_capacity(rows.len());
    for row in rows {
        if LEDGER_ROWS.rows((transaction, dialect), std::slice::from_ref(row), bind_row).await? == 1 {
            added.push(row);
        }
    }
    add(transaction, added.into_iter()).await
}

async fn add(transaction: &mut Transaction<'_, Any>, rows: impl Iterator<Item = &LedgerRow>) -> Result<(), StoreError> {
    let mut months: BTreeMap<Month<'_>, Sums> = BTreeMap::new();
    for row in rows {
        months.entry(Month::of(row)).or_default().count(row);
    }
    for (month, sums) in months {
        sqlx::query(ADD)
            .bind(month.tenant)
            .bind(format!("{:04}-{:02}", month.year, month.month))
            .bind(month.project)
            .bind(month.department)
            .bind(month.key_id)
            .bind(month.environment)
            .bind(month.model)
            .bind(i64::from(month.is_external))
            .bind(sums.rows)
            .bind(sums.rows)
            .bind(sums.unpriced)
            .bind(sums.tokens)
            .bind(sums.images)
            .bind(sums.audio_ms)
            .bind(sums.tiyn)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

impl<'r> Month<'r> {
    fn of(row: &'r LedgerRow) -> Self {
        Self {
            tenant: &row.tenant,
            year: row.day.year(),
            month: row.day.month(),
            project: &row.project,
            department: row.department.as_deref().unwrap_or_default(),
            key_id: &row.key_id,
            environment: &row.environment,
            model: &row.model,
            is_external: row.zone == Zone::External.as_str(),
        }
    }
}

impl Sums {
    fn count(&mut self, row: &LedgerRow) {
        let usage = &row.usage;
        let add = |sum: &mut i64, more: i64| *sum = sum.saturating_add(more);
        self.rows += 1;
        self.unpriced += i64::from(row.charge.is_none());
        add(&mut self.tokens, stored(usage.prompt_tokens).saturating_add(stored(usage.completion_tokens)));
        add(&mut self.images, stored(usage.images));
        add(&mut self.audio_ms, stored(usage.audio_ms));
        add(&mut self.tiyn, row.charge.as_ref().map_or(0, |charge| charge.tenge.tiyn()));
    }
}
