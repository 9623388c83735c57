//! Corrections of the ledger: rows that are to be corrected, and those that correct them. Nothing here changes a row.

use sqlx::{AssertSqlSafe, Row as _};

use super::act_store::mark_acted;
use super::correction_rows::{STANDING, insert_act, insert_correction, line_from, provider_day_from, standing_from};
use super::database::Exclusive;
use super::ledger_store::filtered;
use super::{SqlStore, StoreFuture};
use crate::ledger::{Correction, CorrectionAct, CorrectionLine, LedgerFilter, ProviderDay, StandingRow};

/// What became of an act that was to be written whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrected {
    Done,
    /// The very act was written before.
    Already,
    /// The rows that it was made of went on meanwhile: to be done again.
    Changed,
}

/// Times as in records: from then on, and before then.
pub type TimeSpan = (String, String);

pub trait CorrectionStore: Send + Sync {
    /// Rows without an amount that fit, in the order of their ids behind `after`.
    fn unpriced(&self, filter: LedgerFilter, after: String, limit: u32) -> StoreFuture<'_, Vec<StandingRow>>;
    /// What a provider's rows come to on each of its days, in UTC.
    fn provider_days(&self, provider: String, span: TimeSpan) -> StoreFuture<'_, Vec<ProviderDay>>;
    /// Rows of a provider whose usage nobody reported, in the order of their ids.
    fn estimated(&self, provider: String, span: TimeSpan, limit: u32) -> StoreFuture<'_, Vec<StandingRow>>;
    /// How many rows a provider has, its corrections among them.
    fn count_rows(&self, provider: String, span: TimeSpan) -> StoreFuture<'_, u64>;
    /// Writes those whose rows have not been corrected meanwhile, and have no amount that they would get twice; says which.
    fn correct(&self, act: CorrectionAct, corrections: Vec<Correction>) -> StoreFuture<'_, Vec<bool>>;
    /// Writes all or none; none if the provider has other than `num_rows` rows by now, or the act is there already.
    fn correct_all(
        &self,
        act: CorrectionAct,
        corrections: Vec<Correction>,
        counted: (String, TimeSpan, u64),
    ) -> StoreFuture<'_, Corrected>;
    /// Corrections of rows that fit, in the order of their acts and ids, behind `after`: an act's id, `/`, a correction's id.
    fn lines(&self, filter: LedgerFilter, after: String, limit: u32) -> StoreFuture<'_, Vec<CorrectionLine>>;
}

const COUNT: &str = "SELECT count(*) AS num FROM ledger WHERE provider = $1 AND time >= $2 AND time < $3";

impl CorrectionStore for SqlStore {
    fn unpriced(&self, filter: LedgerFilter, after: String, limit: u32) -> StoreFuture<'_, Vec<StandingRow>> {
        Box::pin(async move {
            let text = format!(
                "{STANDING} WHERE r.tiyn IS NULL AND r.corrects IS NULL AND {} AND r.id > $13 AND NOT EXISTS \
                 (SELECT 1 FROM ledger s WHERE s.corrects = r.id AND s.settles = 1) \
                 GROUP BY r.id ORDER BY r.id LIMIT $14",
                where_of("r")
            );
            let query = filtered(sqlx::query(AssertSqlSafe(text)), &filter).bind(after).bind(i64::from(limit));
            query.fetch_all(&self.pool).await?.iter().map(standing_from).collect()
        })
    }

    fn provider_days(&self, provider: String, (from, until): TimeSpan) -> StoreFuture<'_, Vec<ProviderDay>> {
        Box::pin(async move {
            let text = "SELECT substr(time, 1, 10) AS utc_day, model, usage_source, count(*) - count(corrects) AS calls, \
                        CAST(sum(prompt_tokens) AS BIGINT) AS prompt, CAST(sum(cached_tokens) AS BIGINT) AS cached, \
                        CAST(sum(completion_tokens) AS BIGINT) AS completion, \
                        CAST(coalesce(sum(usd_micro), 0) AS BIGINT) AS micro, \
                        CAST(coalesce(sum(usd_rest_pico), 0) AS BIGINT) AS rest, \
                        CAST(sum(CASE WHEN tiyn IS NULL THEN 1 ELSE 0 END) - sum(settles) AS BIGINT) AS unpriced, \
                        CAST(sum(CASE WHEN tiyn IS NOT NULL AND usd_micro IS NULL THEN 1 ELSE 0 END) AS BIGINT) \
                        AS undollared FROM ledger WHERE provider = $1 AND time >= $2 AND time < $3 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";
            let query = sqlx::query(text).bind(provider).bind(from).bind(until);
            query.fetch_all(&self.pool).await?.iter().map(provider_day_from).collect()
        })
    }

    fn estimated(&self, provider: String, (from, until): TimeSpan, limit: u32) -> StoreFuture<'_, Vec<StandingRow>> {
        Box::pin(async move {
            let text = format!(
                "{STANDING} WHERE r.provider = $1 AND r.time >= $2 AND r.time < $3 AND r.corrects IS NULL \
                 AND r.usage_source = 'estimated' GROUP BY r.id ORDER BY r.id LIMIT $4"
            );
            let query = sqlx::query(AssertSqlSafe(text)).bind(provider).bind(from).bind(until).bind(i64::from(limit));
            query.fetch_all(&self.pool).await?.iter().map(standing_from).collect()
        })
    }

    fn count_rows(&self, provider: String, (from, until): TimeSpan) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let row = sqlx::query(COUNT).bind(provider).bind(from).bind(until).fetch_one(&self.pool).await?;
            Ok(row.try_get::<i64, _>("num")?.cast_unsigned())
        })
    }

    fn correct(&self, act: CorrectionAct, corrections: Vec<Correction>) -> StoreFuture<'_, Vec<bool>> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            self.dialect.exclude(&mut transaction, Exclusive::Audit).await?;
            insert_act(&act).execute(&mut *transaction).await?;
            let mut written = Vec::with_capacity(corrections.len());
            for correction in &corrections {
                let done = insert_correction(correction, &act.id).execute(&mut *transaction).await?;
                written.push(done.rows_affected() > 0);
            }
            // An act that has done nothing has not happened.
            if written.contains(&true) {
                mark_acted(&mut transaction).await?;
                transaction.commit().await?;
            }
            Ok(written)
        })
    }

    fn correct_all(
        &self,
        act: CorrectionAct,
        corrections: Vec<Correction>,
        (provider, (from, until), num_rows): (String, TimeSpan, u64),
    ) -> StoreFuture<'_, Corrected> {
        Box::pin(async move {
            let mut transaction = self.pool.begin().await?;
            // Rows come in with the audit: none does until this has ended.
            self.dialect.exclude(&mut transaction, Exclusive::Audit).await?;
            if insert_act(&act).execute(&mut *transaction).await?.rows_affected() == 0 {
                return Ok(Corrected::Already);
            }
            mark_acted(&mut transaction).await?;
            let row = sqlx::query(COUNT).bind(provider).bind(from).bind(until).fetch_one(&mut *transaction).await?;
            if row.try_get::<i64, _>("num")?.cast_unsigned() != num_rows {
                return Ok(Corrected::Changed);
            }
            for correction in &corrections {
                if insert_correction(correction, &act.id).execute(&mut *transaction).await?.rows_affected() == 0 {
                    return Ok(Corrected::Changed);
                }
            }
            transaction.commit().await?;
            Ok(Corrected::Done)
        })
    }

    fn lines(&self, filter: LedgerFilter, after: String, limit: u32) -> StoreFuture<'_, Vec<CorrectionLine>> {
        Box::pin(async move {
            let (act, id) = after.split_once('/').unwrap_or(("", ""));
            let text = format!(
                "SELECT r.id, r.corrects, r.day, r.tenant, r.project, r.provider, r.model, r.prompt_tokens, \
                 r.cached_tokens, r.completion_tokens, r.usd_micro, r.usd_rest_pico, r.tiyn, r.price_version, \
                 r.correction AS act, a.kind AS act_kind, a.reason AS act_reason, a.made_by, a.made_at_ms, \
                 a.provider AS act_provider, a.from_day, a.until_day, a.file, a.file_hash \
                 FROM ledger r JOIN corrections a ON a.id = r.correction WHERE {} \
                 AND (r.correction > $13 OR (r.correction = $13 AND r.id > $14)) \
                 ORDER BY r.correction, r.id LIMIT $15",
                where_of("r")
            );
            let query = filtered(sqlx::query(AssertSqlSafe(text)), &filter);
            let query = query.bind(act.to_owned()).bind(id.to_owned()).bind(i64::from(limit));
            query.fetch_all(&self.pool).await?.iter().map(line_from).collect()
        })
    }
}

/// The filter's conditions on a table that has this name here.
fn where_of(table: &str) -> String {
    let columns =
        ["tenant", "department", "project", "key_id", "environment", "scenario", "route", "provider", "model", "zone"];
    let equal = columns.iter().zip(1..).map(|(column, at)| format!("(${at} IS NULL OR {table}.{column} = ${at})"));
    let days = [(11, ">="), (12, "<")].map(|(at, sign)| format!("(${at} IS NULL OR {table}.day {sign} ${at})"));
    equal.chain(days).collect::<Vec<_>>().join(" AND ")
}
