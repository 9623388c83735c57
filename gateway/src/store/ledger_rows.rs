//! Rows of the ledger as the database has them.

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::StoreError;
use super::projection::{Insert, Query};
use crate::audit::TryResult;
use crate::billing::{Tenge, Usd};
use crate::ledger::{LedgerRow, Totals};

/// Millionths of a millionth in a millionth.
pub(super) const PICO_IN_MICRO: i128 = 1_000_000;

/// A row that is there already is the same.
pub(super) const LEDGER_ROWS: Insert = Insert {
    table: "ledger",
    columns: "id, request_id, attempt, time, day, tenant, department, project, key_id, environment, scenario, \
              route, provider, model, zone, data_class, kind, reason, outcome, error_type, first_token_ms, \
              total_ms, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, images, audio_ms, \
              usage, usage_source, usd_micro, usd_rest_pico, tiyn, price_version, factor, fx_date, fx_rate, \
              fx_source, unpriced",
    absent: None,
    conflict: "ON CONFLICT DO NOTHING",
};

pub(super) fn bind_row<'q>(query: Query<'q>, row: &'q LedgerRow) -> Query<'q> {
    let count = |count: Option<u64>| count.unwrap_or(0).min(i64::MAX.unsigned_abs()).cast_signed();
    let (usage, charge) = (&row.usage, row.charge.as_ref());
    let usd = charge.and_then(|charge| charge.usd).map(Usd::pico);
    let fx = charge.and_then(|charge| charge.fx.as_ref());
    query
        .bind(&row.id)
        .bind(&row.request_id)
        .bind(i64::from(row.attempt))
        .bind(&row.time)
        .bind(row.day.to_string())
        .bind(&row.tenant)
        .bind(&row.department)
        .bind(&row.project)
        .bind(&row.key_id)
        .bind(&row.environment)
        .bind(&row.scenario)
        .bind(&row.route)
        .bind(&row.provider)
        .bind(&row.model)
        .bind(&row.zone)
        .bind(row.data_class.as_str())
        .bind(row.kind.as_str())
        .bind(&row.reason)
        .bind(row.outcome.as_str())
        .bind(&row.error_type)
        .bind(row.first_token_ms.map(u64::cast_signed))
        .bind(row.total_ms.map(u64::cast_signed))
        .bind(count(usage.prompt_tokens))
        .bind(count(usage.completion_tokens))
        .bind(count(usage.cached_prompt_tokens))
        .bind(count(usage.reasoning_tokens))
        .bind(count(usage.images))
        .bind(count(usage.audio_ms))
        .bind(serde_json::to_string(usage).unwrap_or_default())
        .bind(row.usage_source.as_str())
        .bind(usd.and_then(|pico| i64::try_from(pico.div_euclid(PICO_IN_MICRO)).ok()))
        .bind(usd.and_then(|pico| i64::try_from(pico.rem_euclid(PICO_IN_MICRO)).ok()))
        .bind(charge.map(|charge| charge.tenge.tiyn()))
        .bind(charge.map(|charge| charge.price_version.clone()))
        .bind(charge.map(|charge| charge.factor).or(row.factor).map(|factor| factor.to_string()))
        .bind(fx.map(|fx| fx.date.to_string()))
        .bind(fx.map(|fx| fx.rate.to_string()))
        .bind(fx.map(|fx| fx.source.clone()))
        .bind(&row.unpriced)
}

/// What is summed of a group's rows, in the words of both databases.
pub(super) const SUMS: &str = "count(DISTINCT request_id) AS requests, count(*) - count(corrects) AS attempts, \
    count(corrects) AS corrections, \
    CAST(coalesce(sum(prompt_tokens), 0) AS BIGINT) AS prompt_tokens, \
    CAST(coalesce(sum(cached_tokens), 0) AS BIGINT) AS cached_tokens, \
    CAST(coalesce(sum(completion_tokens), 0) AS BIGINT) AS completion_tokens, \
    CAST(coalesce(sum(reasoning_tokens), 0) AS BIGINT) AS reasoning_tokens, \
    CAST(coalesce(sum(images), 0) AS BIGINT) AS images, \
    CAST(coalesce(sum(audio_ms), 0) AS BIGINT) AS audio_ms, \
    CAST(coalesce(sum(usd_micro), 0) AS BIGINT) AS usd_micro, \
    CAST(coalesce(sum(usd_rest_pico), 0) AS BIGINT) AS usd_rest_pico, \
    CAST(coalesce(sum(tiyn), 0) AS BIGINT) AS tiyn, \
    CAST(coalesce(sum(CASE WHEN kind IN ('retry', 'fallback', 'hedge') THEN tiyn END), 0) AS BIGINT) AS further, \
    CAST(coalesce(sum(CASE WHEN usage_source = 'estimated' AND corrects IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS estimated, \
    CAST(coalesce(sum(CASE WHEN tiyn IS NULL THEN 1 ELSE 0 END) - sum(settles), 0) AS BIGINT) AS unpriced, \
    CAST(coalesce(sum(CASE WHEN zone <> 'external' AND corrects IS NULL THEN 1 ELSE 0 END), 0) AS BIGINT) AS inside";

pub(super) fn totals_from(row: &AnyRow) -> Result<Totals, StoreError> {
    let count = |column: &str| row.try_get::<i64, _>(column).map(i64::cast_unsigned);
    let (micro, rest) = (row.try_get::<i64, _>("usd_micro")?, row.try_get::<i64, _>("usd_rest_pico")?);
    Ok(Totals {
        requests: count("requests")?,
        attempts: count("attempts")?,
        prompt_tokens: count("prompt_tokens")?,
        cached_prompt_tokens: count("cached_tokens")?,
        completion_tokens: count("completion_tokens")?,
        reasoning_tokens: count("reasoning_tokens")?,
        images: count("images")?,
        audio_ms: count("audio_ms")?,
        usd: Usd::from_pico(i128::from(micro) * PICO_IN_MICRO + i128::from(rest)),
        tenge: Tenge::from_tiyn(row.try_get("tiyn")?),
        further_tries: Tenge::from_tiyn(row.try_get("further")?),
        estimated_attempts: count("estimated")?,
        unpriced_attempts: count("unpriced")?,
        inside_attempts: count("inside")?,
        corrections: count("corrections")?,
    })
}

/// How an answered call is written.
pub(super) const ANSWERED: TryResult = TryResult::Answered;
