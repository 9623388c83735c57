//! Corrections, and rows with theirs, as the database has them.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::{Any, Row as _};

use super::StoreError;
use super::ledger_rows::PICO_IN_MICRO;
use crate::billing::{Factor, FxQuote, Tenge, Usage, UsageSource, Usd};
use crate::ledger::{Correction, CorrectionAct, CorrectionKind, CorrectionLine, ProviderDay, StandingRow};

type Query<'q> = sqlx::query::Query<'q, Any, AnyArguments>;

/// Of a row and its corrections, in the words of both databases; what comes before and behind `WHERE` is the caller's.
pub(super) const STANDING: &str = "SELECT r.id AS id, r.time AS time, r.day AS day, r.provider AS provider, r.model AS model, \
    r.usage AS usage, r.usage_source AS usage_source, r.usd_micro AS usd_micro, r.usd_rest_pico AS usd_rest_pico, \
    r.tiyn AS tiyn, r.factor AS factor, r.total_ms AS total_ms, coalesce(r.fx_date, max(c.fx_date)) AS fx_date, \
    coalesce(r.fx_rate, max(c.fx_rate)) AS fx_rate, coalesce(r.fx_source, max(c.fx_source)) AS fx_source, \
    count(c.id) AS num, CAST(coalesce(sum(c.settles), 0) AS BIGINT) AS settled, \
    CAST(coalesce(sum(c.prompt_tokens), 0) AS BIGINT) AS more_prompt, \
    CAST(coalesce(sum(c.completion_tokens), 0) AS BIGINT) AS more_completion, \
    CAST(coalesce(sum(c.cached_tokens), 0) AS BIGINT) AS more_cached, \
    CAST(coalesce(sum(c.reasoning_tokens), 0) AS BIGINT) AS more_reasoning, count(c.usd_micro) AS num_usd, \
    CAST(coalesce(sum(c.usd_micro), 0) AS BIGINT) AS more_micro, \
    CAST(coalesce(sum(c.usd_rest_pico), 0) AS BIGINT) AS more_rest, \
    CAST(coalesce(sum(c.tiyn), 0) AS BIGINT) AS more_tiyn FROM ledger r LEFT JOIN ledger c ON c.corrects = r.id";

/// Writes a correction beside its row. Nothing is written where the row has been corrected meanwhile, or has an amount already
/// that this one would give it.
pub(super) fn insert_correction<'q>(correction: &'q Correction, act: &'q str) -> Query<'q> {
    let text = "INSERT INTO ledger (id, request_id, attempt, time, day, tenant, department, project, key_id, environment, \
                scenario, route, provider, model, zone, data_class, kind, reason, outcome, prompt_tokens, completion_tokens, \
                cached_tokens, reasoning_tokens, images, audio_ms, usage, usage_source, usd_micro, usd_rest_pico, tiyn, \
                price_version, factor, fx_date, fx_rate, fx_source, corrects, correction, settles) \
                SELECT CAST($1 AS TEXT), request_id, attempt, time, day, tenant, department, project, key_id, environment, \
                scenario, route, provider, model, zone, data_class, kind, reason, outcome, CAST($2 AS BIGINT), \
                CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), 0, 0, '{}', usage_source, CAST($6 AS BIGINT), \
                CAST($7 AS BIGINT), CAST($8 AS BIGINT), CAST($9 AS TEXT), CAST($10 AS TEXT), CAST($11 AS TEXT), \
                CAST($12 AS TEXT), CAST($13 AS TEXT), id, CAST($14 AS TEXT), CAST($15 AS BIGINT) FROM ledger \
                WHERE id = $16 AND corrects IS NULL AND (SELECT count(*) FROM ledger c WHERE c.corrects = $16) = $17 \
                ON CONFLICT DO NOTHING";
    let usd = correction.usd.map(Usd::pico);
    let fx = correction.fx.as_ref();
    sqlx::query(text)
        .bind(&correction.id)
        .bind(correction.prompt_tokens)
        .bind(correction.completion_tokens)
        .bind(correction.cached_prompt_tokens)
        .bind(correction.reasoning_tokens)
        .bind(usd.and_then(|pico| i64::try_from(pico.div_euclid(PICO_IN_MICRO)).ok()))
        .bind(usd.and_then(|pico| i64::try_from(pico.rem_euclid(PICO_IN_MICRO)).ok()))
        .bind(correction.tenge.tiyn())
        .bind(&correction.price_version)
        .bind(correction.factor.map(|factor| factor.to_string()))
        .bind(fx.map(|fx| fx.date.to_string()))
        .bind(fx.map(|fx| fx.rate.to_string()))
        .bind(fx.map(|fx| fx.source.clone()))
        .bind(act)
        .bind(i64::from(correction.settles))
        .bind(&correction.corrects)
        .bind(correction.seen.cast_signed())
}

pub(super) fn insert_act(act: &CorrectionAct) -> Query<'_> {
    let text = "INSERT INTO corrections (id, kind, reason, made_by, made_at_ms, provider, from_day, until_day, file, \
                file_hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING";
    sqlx::query(text)
        .bind(&act.id)
        .bind(act.kind.as_str())
        .bind(&act.reason)
        .bind(&act.made_by)
        .bind(act.made_at_ms)
        .bind(&act.provider)
        .bind(&act.from_day)
        .bind(&act.until_day)
        .bind(&act.file)
        .bind(&act.file_hash)
}

pub(super) fn standing_from(row: &AnyRow) -> Result<StandingRow, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "ledger", column };
    let more = |column: &str| row.try_get::<i64, _>(column);
    let usage: Usage = serde_json::from_str(row.try_get("usage")?).map_err(|_| unknown("usage"))?;
    let is_settled = row.try_get::<i64, _>("settled")? > 0;
    let tiyn: Option<i64> = row.try_get("tiyn")?;
    let tenge = match (tiyn, is_settled) {
        (None, false) => None,
        (tiyn, _) => Some(Tenge::from_tiyn(tiyn.unwrap_or(0) + more("more_tiyn")?)),
    };
    let micro: Option<i64> = row.try_get("usd_micro")?;
    let has_usd = micro.is_some() || row.try_get::<i64, _>("num_usd")? > 0;
    let rest: Option<i64> = row.try_get("usd_rest_pico")?;
    let own = usd_of(micro.unwrap_or(0), rest.unwrap_or(0));
    let usd = own.plus(usd_of(more("more_micro")?, more("more_rest")?)).map_err(|_| unknown("usd_micro"))?;
    let factor = match row.try_get::<Option<&str>, _>("factor")? {
        Some(text) => text.parse().map_err(|_| unknown("factor"))?,
        None => Factor::ONE,
    };
    Ok(StandingRow {
        id: row.try_get("id")?,
        time: row.try_get("time")?,
        day: row.try_get::<&str, _>("day")?.parse().map_err(|_| unknown("day"))?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        usage: Usage {
            prompt_tokens: added(usage.prompt_tokens, more("more_prompt")?),
            cached_prompt_tokens: added(usage.cached_prompt_tokens, more("more_cached")?),
            completion_tokens: added(usage.completion_tokens, more("more_completion")?),
            reasoning_tokens: added(usage.reasoning_tokens, more("more_reasoning")?),
            ..usage
        },
        source: source_of(row.try_get("usage_source")?)?,
        usd: has_usd.then_some(usd),
        tenge,
        fx: fx_from(row)?,
        factor,
        total_ms: row.try_get::<Option<i64>, _>("total_ms")?.map(i64::cast_unsigned),
        num_corrections: row.try_get::<i64, _>("num")?.cast_unsigned(),
    })
}

fn added(count: Option<u64>, more: i64) -> Option<u64> {
    if more == 0 { count } else { Some(count.unwrap_or(0).saturating_add_signed(more)) }
}

fn usd_of(micro: i64, rest_pico: i64) -> Usd {
    Usd::from_pico(i128::from(micro) * PICO_IN_MICRO + i128::from(rest_pico))
}

fn source_of(text: &str) -> Result<UsageSource, StoreError> {
    match text {
        "provider" => Ok(UsageSource::Provider),
        "estimated" => Ok(UsageSource::Estimated),
        _ => Err(StoreError::UnknownValue { table: "ledger", column: "usage_source" }),
    }
}

fn fx_from(row: &AnyRow) -> Result<Option<FxQuote>, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "ledger", column };
    let text = |column: &str| row.try_get::<Option<String>, _>(column);
    let (Some(date), Some(rate), Some(source)) = (text("fx_date")?, text("fx_rate")?, text("fx_source")?) else {
        return Ok(None);
    };
    let date = date.parse().map_err(|_| unknown("fx_date"))?;
    Ok(Some(FxQuote { date, rate: rate.parse().map_err(|_| unknown("fx_rate"))?, source }))
}

pub(super) fn provider_day_from(row: &AnyRow) -> Result<ProviderDay, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "ledger", column };
    Ok(ProviderDay {
        day: row.try_get::<&str, _>("utc_day")?.parse().map_err(|_| unknown("time"))?,
        model: row.try_get("model")?,
        source: source_of(row.try_get("usage_source")?)?,
        calls: row.try_get::<i64, _>("calls")?.cast_unsigned(),
        prompt_tokens: row.try_get("prompt")?,
        cached_prompt_tokens: row.try_get("cached")?,
        completion_tokens: row.try_get("completion")?,
        usd: usd_of(row.try_get("micro")?, row.try_get("rest")?),
        unpriced: row.try_get::<i64, _>("unpriced")?.max(0).cast_unsigned(),
        undollared: row.try_get::<i64, _>("undollared")?.cast_unsigned(),
    })
}

pub(super) fn line_from(row: &AnyRow) -> Result<CorrectionLine, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "corrections", column };
    let micro: Option<i64> = row.try_get("usd_micro")?;
    let rest: Option<i64> = row.try_get("usd_rest_pico")?;
    Ok(CorrectionLine {
        id: row.try_get("id")?,
        corrects: row.try_get("corrects")?,
        day: row.try_get("day")?,
        tenant: row.try_get("tenant")?,
        project: row.try_get("project")?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        prompt_tokens: row.try_get("prompt_tokens")?,
        cached_prompt_tokens: row.try_get("cached_tokens")?,
        completion_tokens: row.try_get("completion_tokens")?,
        usd: micro.map(|micro| usd_of(micro, rest.unwrap_or(0))),
        tenge: Tenge::from_tiyn(row.try_get("tiyn")?),
        price_version: row.try_get("price_version")?,
        act: CorrectionAct {
            id: row.try_get("act")?,
            kind: CorrectionKind::parse(row.try_get("act_kind")?).ok_or_else(|| unknown("kind"))?,
            reason: row.try_get("act_reason")?,
            made_by: row.try_get("made_by")?,
            made_at_ms: row.try_get("made_at_ms")?,
            provider: row.try_get("act_provider")?,
            from_day: row.try_get("from_day")?,
            until_day: row.try_get("until_day")?,
            file: row.try_get("file")?,
            file_hash: row.try_get("file_hash")?,
        },
    })
}
