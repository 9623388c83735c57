//! The ledger as it is asked: sums by group, over any days; and the exchange rates that its rows are converted at.

use std::collections::BTreeMap;

use jiff::civil::Date;
use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, AssertSqlSafe, Row as _};

use super::ledger_rows::{ANSWERED, SUMS, totals_from};
use super::tenancy_store::count_up;
use super::{CorrectionStore, SqlStore, StoreError, StoreFuture};
use crate::auth::{parts_of_scope, project_scope};
use crate::billing::{Currency, ExchangeRate, Published};
use crate::ledger::{Dimension, Group, LedgerFilter};
use crate::limits::Level;

/// Groups that one report has.
const MAX_GROUPS: i64 = 100_000;

/// What became of a rate that was to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateKept {
    New,
    Known,
    /// Another rate is known for that day, and stays.
    Contradicts(ExchangeRate),
}

/// What was used under one name of a limit's level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent {
    pub name: String,
    pub tokens: u64,
    pub tiyn: u64,
}

pub trait LedgerStore: Send + Sync {
    /// Sums of the rows that fit, for each combination of `by`, in its order.
    fn usage(&self, filter: LedgerFilter, by: Vec<Dimension>) -> StoreFuture<'_, Vec<Group>>;
    /// What rows of attempts that began at `from` or later and before `until` (as in records) have used, by the name of each
    /// key, project or tenant, or of one of them: tokens, and tiyn of those that have an amount.
    fn spent(&self, level: Level, name: Option<String>, span: (String, String)) -> StoreFuture<'_, Vec<Spent>>;
    /// All rates and where they are from.
    fn rates(&self) -> StoreFuture<'_, Vec<(Published, String)>>;
    fn keep_rate(&self, published: Published, source: String) -> StoreFuture<'_, RateKept>;
    /// What was found wrong in it.
    fn corrections(&self) -> &dyn CorrectionStore;
}

type Query<'q> = sqlx::query::Query<'q, Any, AnyArguments>;

impl LedgerStore for SqlStore {
    fn corrections(&self) -> &dyn CorrectionStore {
        self
    }

    fn usage(&self, filter: LedgerFilter, by: Vec<Dimension>) -> StoreFuture<'_, Vec<Group>> {
        Box::pin(async move {
            let columns = Columns::of(&by);
            let text = format!(
                "SELECT {}, {SUMS} FROM ledger WHERE {WHERE} GROUP BY {} ORDER BY {} LIMIT {MAX_GROUPS}",
                columns.selected, columns.numbers, columns.numbers
            );
            let rows = filtered(sqlx::query(AssertSqlSafe(text)), &filter).fetch_all(&self.pool).await?;
            let mut groups = BTreeMap::new();
            for row in &rows {
                let names = columns.names(row)?;
                let totals = totals_from(row)?;
                let group = Group { names: names.clone(), totals, ..Group::default() };
                groups.insert(names, group);
            }
            self.put_latencies(&mut groups, &filter, &columns).await?;
            if by.iter().all(|dimension| dimension.is_of_requests()) {
                self.put_errors(&mut groups, &filter, &columns).await?;
            }
            Ok(groups.into_values().collect())
        })
    }

    fn spent(
        &self,
        level: Level,
        name: Option<String>,
        (from, until): (String, String),
    ) -> StoreFuture<'_, Vec<Spent>> {
        Box::pin(async move {
            let (names, is_it) = match level {
                Level::Key => ("key_id AS c0, '' AS c1", "key_id = $3 AND $4 = ''"),
                Level::Project => ("tenant AS c0, project AS c1", "tenant = $3 AND project = $4"),
                Level::Customer => ("tenant AS c0, '' AS c1", "tenant = $3 AND $4 = ''"),
            };
            let (one, of_it) = match name.as_deref().map(parts_of_scope) {
                Some((one, of_it)) => (Some(one.to_owned()), of_it.to_owned()),
                None => (None, String::new()),
            };
            let text = format!(
                "SELECT {names}, CAST(sum(prompt_tokens + completion_tokens) AS BIGINT) AS tokens, \
                 CAST(sum(coalesce(tiyn, 0)) AS BIGINT) AS tiyn FROM ledger WHERE time >= $1 AND time < $2 AND ($3 IS NULL OR {is_it}) GROUP BY 1, 2"
            );
            let query = sqlx::query(AssertSqlSafe(text)).bind(from).bind(until).bind(one).bind(of_it);
            let rows = query.fetch_all(&self.pool).await?;
            let spent = |row: &AnyRow| {
                let (name, rest): (String, &str) = (row.try_get("c0")?, row.try_get("c1")?);
                Ok(Spent {
                    name: if level == Level::Project { project_scope(&name, rest) } else { name },
                    tokens: row.try_get::<i64, _>("tokens")?.cast_unsigned(),
                    tiyn: row.try_get::<i64, _>("tiyn")?.max(0).cast_unsigned(),
                })
            };
            rows.iter().map(spent).collect()
        })
    }

    fn rates(&self) -> StoreFuture<'_, Vec<(Published, String)>> {
        Box::pin(async move {
            let rows =
                sqlx::query("SELECT * FROM exchange_rates ORDER BY currency, date").fetch_all(&self.pool).await?;
            rows.iter().map(rate_from).collect()
        })
    }

    fn keep_rate(&self, published: Published, source: String) -> StoreFuture<'_, RateKept> {
        Box::pin(async move {
            let Published { date, currency, rate } = published;
            let query = "INSERT INTO exchange_rates (date, currency, ten_thousandths, source) VALUES ($1, $2, $3, $4) \
                         ON CONFLICT DO NOTHING";
            let ten_thousandths = i64::try_from(rate.ten_thousandths().get()).unwrap_or(i64::MAX);
            let mut transaction = self.pool.begin().await?;
            let done = sqlx::query(query)
                .bind(date.to_string())
                .bind(currency.to_string())
                .bind(ten_thousandths)
                .bind(source)
                .execute(&mut *transaction)
                .await?;
            if done.rows_affected() == 1 {
                count_up(&mut transaction).await?;
                transaction.commit().await?;
                return Ok(RateKept::New);
            }
            drop(transaction);
            let known = sqlx::query("SELECT * FROM exchange_rates WHERE currency = $1 AND date = $2")
                .bind(currency.to_string())
                .bind(date.to_string())
                .fetch_one(&self.pool)
                .await?;
            let (known, _) = rate_from(&known)?;
            Ok(if known.rate == rate { RateKept::Known } else { RateKept::Contradicts(known.rate) })
        })
    }
}

impl SqlStore {
    async fn put_latencies(
        &self,
        groups: &mut BTreeMap<Vec<String>, Group>,
        filter: &LedgerFilter,
        columns: &Columns,
    ) -> Result<(), StoreError> {
        let text = format!(
            "SELECT {numbered}, total_ms, place, num FROM (SELECT {selected}, total_ms, \
             row_number() OVER (PARTITION BY {expressions} ORDER BY total_ms) AS place, \
             count(*) OVER (PARTITION BY {expressions}) AS num \
             FROM ledger WHERE {WHERE} AND total_ms IS NOT NULL AND outcome = '{answered}') AS ranked \
             WHERE place = (num + 1) / 2 OR place = (num * 95 + 99) / 100",
            numbered = columns.aliases,
            selected = columns.selected,
            expressions = columns.expressions,
            answered = ANSWERED.as_str(),
        );
        for row in filtered(sqlx::query(AssertSqlSafe(text)), filter).fetch_all(&self.pool).await? {
            let Some(group) = groups.get_mut(&columns.names(&row)?) else { continue };
            let ms = Some(row.try_get::<i64, _>("total_ms")?.cast_unsigned());
            let (place, num): (i64, i64) = (row.try_get("place")?, row.try_get("num")?);
            if place == (num + 1) / 2 {
                group.p50_ms = ms;
            }
            if place == (num * 95 + 99) / 100 {
                group.p95_ms = ms;
            }
        }
        Ok(())
    }

    async fn put_errors(
        &self,
        groups: &mut BTreeMap<Vec<String>, Group>,
        filter: &LedgerFilter,
        columns: &Columns,
    ) -> Result<(), StoreError> {
        // Acts of administrators are no usage.
        let text = format!(
            "SELECT {}, error_code, count(*) AS num FROM audit WHERE {WHERE} AND error_code IS NOT NULL \
             AND day IS NOT NULL AND object IS NULL AND endpoint NOT LIKE '%/admin/%' GROUP BY {}, error_code",
            columns.selected, columns.numbers
        );
        for row in filtered(sqlx::query(AssertSqlSafe(text)), filter).fetch_all(&self.pool).await? {
            let names = columns.names(&row)?;
            let group = groups.entry(names.clone()).or_insert_with(|| Group { names, ..Group::default() });
            let num = row.try_get::<i64, _>("num")?.cast_unsigned();
            group.errors.insert(row.try_get("error_code")?, num);
        }
        Ok(())
    }
}

/// The filter's conditions; its values are bound in this order.
const WHERE: &str = "($1 IS NULL OR tenant = $1) AND ($2 IS NULL OR department = $2) AND ($3 IS NULL OR project = $3) \
    AND ($4 IS NULL OR key_id = $4) AND ($5 IS NULL OR environment = $5) AND ($6 IS NULL OR scenario = $6) \
    AND ($7 IS NULL OR route = $7) AND ($8 IS NULL OR provider = $8) AND ($9 IS NULL OR model = $9) \
    AND ($10 IS NULL OR zone = $10) AND ($11 IS NULL OR day >= $11) AND ($12 IS NULL OR day < $12)";

pub(super) fn filtered<'q>(query: Query<'q>, filter: &LedgerFilter) -> Query<'q> {
    let text = |text: &Option<String>| text.clone();
    let day = |day: Option<Date>| day.map(|day| day.to_string());
    query
        .bind(text(&filter.tenant))
        .bind(text(&filter.department))
        .bind(text(&filter.project))
        .bind(text(&filter.key_id))
        .bind(text(&filter.environment))
        .bind(text(&filter.scenario))
        .bind(text(&filter.route))
        .bind(text(&filter.provider))
        .bind(text(&filter.model))
        .bind(text(&filter.zone))
        .bind(day(filter.from))
        .bind(day(filter.until))
}

/// What a group's names are in SQL: words of this file alone.
struct Columns {
    /// `coalesce(tenant, '') AS c0, …`
    selected: String,
    /// `c0, …`
    aliases: String,
    /// `coalesce(tenant, ''), …`
    expressions: String,
    /// `1, …`: their places in what is selected.
    numbers: String,
    count: usize,
}

impl Columns {
    fn of(by: &[Dimension]) -> Self {
        // A total is a group that all rows are in.
        let mut expressions: Vec<&str> = by.iter().map(|dimension| expression(*dimension)).collect();
        if by.is_empty() {
            expressions.push("''");
        }
        let joined = |write: &dyn Fn(usize, &str) -> String| {
            let parts: Vec<String> = expressions.iter().enumerate().map(|(at, text)| write(at, text)).collect();
            parts.join(", ")
        };
        Self {
            selected: joined(&|at, text| format!("{text} AS c{at}")),
            aliases: joined(&|at, _| format!("c{at}")),
            expressions: joined(&|_, text| text.to_owned()),
            numbers: joined(&|at, _| (at + 1).to_string()),
            count: by.len(),
        }
    }

    fn names(&self, row: &AnyRow) -> Result<Vec<String>, StoreError> {
        (0..self.count).map(|at| Ok(row.try_get::<String, _>(at)?)).collect()
    }
}

fn expression(dimension: Dimension) -> &'static str {
    match dimension {
        Dimension::Day => "coalesce(day, '')",
        Dimension::Month => "substr(coalesce(day, ''), 1, 7)",
        Dimension::Tenant => "coalesce(tenant, '')",
        Dimension::Department => "coalesce(department, '')",
        Dimension::Project => "coalesce(project, '')",
        Dimension::Key => "coalesce(key_id, '')",
        Dimension::Environment => "coalesce(environment, '')",
        Dimension::Scenario => "coalesce(scenario, '')",
        Dimension::Route => "coalesce(route, '')",
        Dimension::Provider => "coalesce(provider, '')",
        Dimension::Model => "coalesce(model, '')",
        Dimension::Zone => "coalesce(zone, '')",
        Dimension::DataClass => "coalesce(data_class, '')",
        Dimension::Kind => "coalesce(kind, '')",
        Dimension::Outcome => "coalesce(outcome, '')",
        Dimension::UsageSource => "coalesce(usage_source, '')",
    }
}

fn rate_from(row: &AnyRow) -> Result<(Published, String), StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "exchange_rates", column };
    let date: &str = row.try_get("date")?;
    let currency: &str = row.try_get("currency")?;
    let ten_thousandths = row.try_get::<i64, _>("ten_thousandths")?.cast_unsigned();
    let rate = std::num::NonZeroU64::new(ten_thousandths).ok_or_else(|| unknown("ten_thousandths"))?;
    let published = Published {
        date: date.parse().map_err(|_| unknown("date"))?,
        currency: currency.parse::<Currency>().map_err(|_| unknown("currency"))?,
        rate: ExchangeRate::from_ten_thousandths(rate),
    };
    Ok((published, row.try_get("source")?))
}

#[cfg(test)]
#[path = "ledger_store_tests.rs"]
mod tests;
