//! What was billed of the ledger. Always so: whatever is closed stays as it was issued; each row of a closed month is billed
//! once, by the invoice of its month or, if it came late, by that of the next month that is closed; numbers have no gaps.
//!
//! A document is made before it is kept. Keeping it looks again at what it was made of, where no row can come in between.

use std::collections::BTreeMap;

use sqlx::any::AnyRow;
use sqlx::{Any, Row as _, Transaction};

use super::act_store::mark_acted;
use super::database::Exclusive;
use super::invoice_rows::{
    Closing, Crediting, InvoiceFilter, InvoiceRow, IssuedInvoice, Kept, MonthStanding, NewDocument, UsageGroup,
    UsageRow, group_from, invoice_from, usage_from,
};
use super::{SqlStore, StoreError, StoreFuture};
use crate::billing::Tenge;
use crate::invoices::Month;

pub trait InvoiceStore: Send + Sync {
    /// Who has rows before this month's end.
    fn tenants_to_bill(&self, month: Month) -> StoreFuture<'_, Vec<String>>;
    /// All months of a tenant that have rows or are closed, in their order.
    fn months(&self, tenant: String) -> StoreFuture<'_, Vec<MonthStanding>>;
    /// A month's rows by what they have in common, those of production first.
    fn usage_groups(&self, tenant: String, month: Month) -> StoreFuture<'_, Vec<UsageGroup>>;
    /// The last number of a year; zero before the first.
    fn last_number(&self, year: i16) -> StoreFuture<'_, i64>;
    fn close_month(&self, closing: Closing) -> StoreFuture<'_, Kept>;
    fn credit(&self, crediting: Crediting) -> StoreFuture<'_, Kept>;
    /// In the order in which they were issued.
    fn invoices(&self, filter: InvoiceFilter) -> StoreFuture<'_, Vec<InvoiceRow>>;
    fn invoice(&self, number: String) -> StoreFuture<'_, Option<IssuedInvoice>>;
    /// Its appendix.
    fn invoice_usage(&self, number: String) -> StoreFuture<'_, Vec<UsageRow>>;
}

/// Of each month of a tenant's ledger, in the words of both databases. A trigger keeps these sums: no row is read for them.
const MONTHS: &str = "SELECT month, CAST(sum(num_rows) AS BIGINT) AS num, \
    CAST(sum(num_unpriced) AS BIGINT) AS unpriced, CAST(sum(tiyn) AS BIGINT) AS amount, \
    CAST(sum(tokens) AS BIGINT) AS tokens FROM ledger_months WHERE tenant = $1 GROUP BY month";

const GROUPS: &str = "SELECT project, department AS own_department, key_id, environment, is_external, model, \
    num_calls AS num, tokens, images AS num_images, audio_ms AS sound_ms, tiyn AS amount FROM ledger_months \
    WHERE tenant = $1 AND month = $2 \
    ORDER BY CASE WHEN environment = 'prod' THEN 0 ELSE 1 END, project, department, environment, key_id, model, is_external";

impl InvoiceStore for SqlStore {
    fn tenants_to_bill(&self, month: Month) -> StoreFuture<'_, Vec<String>> {
        Box::pin(async move {
            let query = sqlx::query_scalar("SELECT DISTINCT tenant FROM ledger_months WHERE month <= $1 ORDER BY 1");
            Ok(query.bind(month.to_string()).fetch_all(&self.pool).await?)
        })
    }

    fn months(&self, tenant: String) -> StoreFuture<'_, Vec<MonthStanding>> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            let months = standings(&mut transaction, &tenant).await?;
            transaction.commit().await?;
            Ok(months.into_values().collect())
        })
    }

    fn usage_groups(&self, tenant: String, month: Month) -> StoreFuture<'_, Vec<UsageGroup>> {
        Box::pin(async move {
            let query = sqlx::query(GROUPS).bind(tenant).bind(month.to_string());
            query.fetch_all(&self.pool).await?.iter().map(group_from).collect()
        })
    }

    fn last_number(&self, year: i16) -> StoreFuture<'_, i64> {
        Box::pin(async move {
            let query = sqlx::query_scalar("SELECT last_number FROM invoice_numbers WHERE year = $1");
            Ok(query.bind(i64::from(year)).fetch_optional(&self.pool).await?.unwrap_or(0))
        })
    }

    fn close_month(&self, closing: Closing) -> StoreFuture<'_, Kept> {
        Box::pin(async move {
            let Closing { tenant, month, closed_at_ms, billed, is_put_off, document, usage } = closing;
            let mut transaction = self.pool.begin().await?;
            // Rows come in with the audit: none does until this has ended.
            self.dialect.exclude(&mut transaction, Exclusive::Audit).await?;
            mark_acted(&mut transaction).await?;
            let own = billed.iter().find(|standing| standing.month == month).map_or(Tenge::ZERO, |own| own.tenge);
            let close = sqlx::query(
                "INSERT INTO closed_months (tenant, month, closed_at_ms, tiyn) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT DO NOTHING",
            );
            let close = close.bind(&tenant).bind(month.to_string()).bind(closed_at_ms).bind(own.tiyn());
            if close.execute(&mut *transaction).await?.rows_affected() == 0 {
                return Ok(Kept::ClosedAlready);
            }
            let now = standings(&mut transaction, &tenant).await?;
            let is_same = |then: &MonthStanding| {
                now.get(&then.month).is_some_and(|now| MonthStanding { is_closed: then.is_closed, ..*now } == *then)
            };
            let is_known = billed.iter().any(|then| then.month == month);
            let came_up = !is_known && now.get(&month).is_some_and(|now| now.num_rows > 0);
            if came_up || !billed.iter().all(is_same) {
                return Ok(Kept::Changed);
            }
            if let Some(document) = document {
                let number = document.issued.row.number.clone();
                if !keep(&mut transaction, document).await? {
                    return Ok(Kept::Changed);
                }
                for (position, row) in usage.iter().enumerate() {
                    insert_usage(&mut transaction, &number, position, row).await?;
                }
            }
            for standing in billed.into_iter().filter(|_| !is_put_off) {
                let billed =
                    "INSERT INTO billed_months (tenant, month, billed_in, tiyn, tokens) VALUES ($1, $2, $3, $4, $5)";
                sqlx::query(billed)
                    .bind(&tenant)
                    .bind(standing.month.to_string())
                    .bind(month.to_string())
                    .bind(standing.tenge.tiyn() - standing.billed.tiyn())
                    .bind(standing.tokens - standing.billed_tokens)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok(Kept::Done)
        })
    }

    fn credit(&self, crediting: Crediting) -> StoreFuture<'_, Kept> {
        Box::pin(async move {
            let Crediting { document, lines, total } = crediting;
            let row = document.issued.row.clone();
            let mut transaction = self.pool.begin().await?;
            mark_acted(&mut transaction).await?;
            if !keep(&mut transaction, document).await? {
                return Ok(Kept::Changed);
            }
            // Its own among them.
            let credited = sqlx::query(
                "SELECT CAST(coalesce(sum(lines_tiyn), 0) AS BIGINT) AS lines, \
                 CAST(coalesce(sum(total_tiyn), 0) AS BIGINT) AS total FROM invoices WHERE corrects = $1",
            );
            let credited = credited.bind(&row.corrects).fetch_one(&mut *transaction).await?;
            let (all_lines, all_total): (i64, i64) = (credited.try_get("lines")?, credited.try_get("total")?);
            let left = lines.tiyn() + all_lines;
            if left < 0 || total.tiyn() + all_total < 0 {
                return Ok(Kept::TooMuch { left: Tenge::from_tiyn(left - row.lines.tiyn()) });
            }
            transaction.commit().await?;
            Ok(Kept::Done)
        })
    }

    fn invoices(&self, filter: InvoiceFilter) -> StoreFuture<'_, Vec<InvoiceRow>> {
        Box::pin(async move {
            let query = "SELECT number, kind, tenant, month, issued_at_ms, lines_tiyn, net_tiyn, vat_tiyn, total_tiyn, \
                         corrects FROM invoices WHERE ($1 IS NULL OR tenant = $1) AND ($2 IS NULL OR month = $2) \
                         ORDER BY issued_at_ms, number";
            let query = sqlx::query(query).bind(filter.tenant).bind(filter.month.map(|month| month.to_string()));
            query.fetch_all(&self.pool).await?.iter().map(invoice_from).collect()
        })
    }

    fn invoice(&self, number: String) -> StoreFuture<'_, Option<IssuedInvoice>> {
        Box::pin(async move {
            let query = sqlx::query("SELECT * FROM invoices WHERE number = $1").bind(number);
            let Some(row) = query.fetch_optional(&self.pool).await? else { return Ok(None) };
            Ok(Some(IssuedInvoice { row: invoice_from(&row)?, json: row.try_get("document")? }))
        })
    }

    fn invoice_usage(&self, number: String) -> StoreFuture<'_, Vec<UsageRow>> {
        Box::pin(async move {
            let query = sqlx::query("SELECT * FROM invoice_usage WHERE number = $1 ORDER BY position").bind(number);
            query.fetch_all(&self.pool).await?.iter().map(usage_from).collect()
        })
    }
}

async fn standings(
    transaction: &mut Transaction<'_, Any>,
    tenant: &str,
) -> Result<BTreeMap<Month, MonthStanding>, StoreError> {
    let mut months = BTreeMap::new();
    for row in &sqlx::query(MONTHS).bind(tenant).fetch_all(&mut **transaction).await? {
        let standing = MonthStanding {
            num_rows: row.try_get::<i64, _>("num")?.cast_unsigned(),
            num_unpriced: row.try_get::<i64, _>("unpriced")?.cast_unsigned(),
            tenge: Tenge::from_tiyn(row.try_get("amount")?),
            tokens: row.try_get("tokens")?,
            ..MonthStanding::empty(month_of(row, "ledger")?)
        };
        months.insert(standing.month, standing);
    }
    let billed = "SELECT month, CAST(sum(tiyn) AS BIGINT) AS amount, CAST(sum(tokens) AS BIGINT) AS tokens \
                  FROM billed_months WHERE tenant = $1 GROUP BY 1";
    for row in &sqlx::query(billed).bind(tenant).fetch_all(&mut **transaction).await? {
        let month = month_of(row, "billed_months")?;
        let standing = months.entry(month).or_insert_with(|| MonthStanding::empty(month));
        standing.billed = Tenge::from_tiyn(row.try_get("amount")?);
        standing.billed_tokens = row.try_get("tokens")?;
    }
    let closed = sqlx::query("SELECT month FROM closed_months WHERE tenant = $1").bind(tenant);
    for row in &closed.fetch_all(&mut **transaction).await? {
        let month = month_of(row, "closed_months")?;
        months.entry(month).or_insert_with(|| MonthStanding::empty(month)).is_closed = true;
    }
    Ok(months)
}

impl MonthStanding {
    fn empty(month: Month) -> Self {
        Self {
            month,
            num_rows: 0,
            num_unpriced: 0,
            tenge: Tenge::ZERO,
            tokens: 0,
            is_closed: false,
            billed: Tenge::ZERO,
            billed_tokens: 0,
        }
    }
}

fn month_of(row: &AnyRow, table: &'static str) -> Result<Month, StoreError> {
    let text: &str = row.try_get("month")?;
    text.parse().map_err(|_| StoreError::UnknownValue { table, column: "month" })
}

/// False if its number is taken.
async fn keep(transaction: &mut Transaction<'_, Any>, document: NewDocument) -> Result<bool, StoreError> {
    let NewDocument { year, last_number, issued: IssuedInvoice { row, json } } = document;
    let begin = "INSERT INTO invoice_numbers (year, last_number) VALUES ($1, 0) ON CONFLICT DO NOTHING";
    sqlx::query(begin).bind(i64::from(year)).execute(&mut **transaction).await?;
    let next = "UPDATE invoice_numbers SET last_number = last_number + 1 WHERE year = $1 AND last_number = $2";
    let next = sqlx::query(next).bind(i64::from(year)).bind(last_number).execute(&mut **transaction).await?;
    if next.rows_affected() == 0 {
        return Ok(false);
    }
    let insert = "INSERT INTO invoices (number, kind, tenant, month, issued_at_ms, lines_tiyn, net_tiyn, vat_tiyn, \
                  total_tiyn, corrects, document) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    sqlx::query(insert)
        .bind(&row.number)
        .bind(row.kind.as_str())
        .bind(&row.tenant)
        .bind(row.month.to_string())
        .bind(row.issued_at_ms)
        .bind(row.lines.tiyn())
        .bind(row.net.tiyn())
        .bind(row.vat.tiyn())
        .bind(row.total.tiyn())
        .bind(&row.corrects)
        .bind(json)
        .execute(&mut **transaction)
        .await?;
    Ok(true)
}

async fn insert_usage(
    transaction: &mut Transaction<'_, Any>,
    number: &str,
    position: usize,
    row: &UsageRow,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO invoice_usage (number, position, project, department, key_name, model, unit, millionths, \
                  tokens, tiyn) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    sqlx::query(insert)
        .bind(number)
        .bind(i64::try_from(position).unwrap_or(i64::MAX))
        .bind(&row.project)
        .bind(&row.department)
        .bind(&row.key)
        .bind(&row.model)
        .bind(&row.unit)
        .bind(row.quantity.millionths())
        .bind(row.tokens)
        .bind(row.sum.tiyn())
        .execute(&mut **transaction)
        .await?;
    Ok(())
}
