//! A finished request's record as rows of the ledger.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::{AttemptKind, LedgerRow};
use crate::audit::{AuditRecord, Outcome, Time, Try, TryResult};
use crate::billing::UsageSource;

/// One row for each attempt that used anything; none while the request is under way.
pub fn rows_of(record: &AuditRecord) -> Vec<LedgerRow> {
    // A record of before there was a ledger has no day.
    let day = record.day.as_deref().and_then(|day| day.parse::<Date>().ok());
    let (Some(day), false) = (day, record.outcome == Outcome::Dispatched) else { return Vec::new() };
    let gave_the_answer =
        |attempt: &Try| matches!(attempt.result, TryResult::Answered | TryResult::Interrupted | TryResult::Aborted);
    let ending = record.tries.iter().rposition(gave_the_answer).unwrap_or(record.tries.len().saturating_sub(1));
    let numbered = record.tries.iter().enumerate().zip(1_u32..);
    numbered.filter_map(|((at, attempt), number)| row(record, (attempt, number, at == ending), day)).collect()
}

fn row(record: &AuditRecord, (attempt, number, is_last): (&Try, u32, bool), day: Date) -> Option<LedgerRow> {
    let usage = attempt.usage.clone()?;
    let before = usize::try_from(number).ok().and_then(|number| record.tries.get(number.checked_sub(2)?));
    let is_repeated = before.is_some_and(|before| before.provider == attempt.provider && before.model == attempt.model);
    Some(LedgerRow {
        id: LedgerRow::id_of(&record.request_id, number),
        request_id: record.request_id.clone(),
        attempt: number,
        time: time_of(record, attempt),
        day,
        tenant: record.tenant.clone(),
        department: record.department.clone(),
        project: record.project.clone(),
        key_id: record.key_id.clone(),
        environment: record.environment.clone(),
        scenario: record.scenario.clone(),
        route: record.route.clone(),
        provider: attempt.provider.clone(),
        model: attempt.model.clone(),
        zone: attempt.zone.clone(),
        data_class: record.data_class,
        kind: AttemptKind::of(&attempt.reason, is_repeated),
        reason: attempt.reason.clone(),
        outcome: attempt.result,
        error_type: record.error_code.clone().filter(|_| is_last),
        first_token_ms: record.first_token_ms.filter(|_| is_last).map(|ms| ms.saturating_sub(attempt.began_ms)),
        total_ms: if is_last { Some(record.total_ms.saturating_sub(attempt.began_ms)) } else { attempt.took_ms },
        usage,
        usage_source: attempt.usage_source.unwrap_or(UsageSource::Estimated),
        charge: attempt.charge.clone(),
        unpriced: attempt.unpriced.clone(),
        factor: attempt.factor,
    })
}

fn time_of(record: &AuditRecord, attempt: &Try) -> String {
    let began = SignedDuration::from_millis(i64::try_from(attempt.began_ms).unwrap_or(0));
    let time = record.time.parse::<Timestamp>().ok().and_then(|time| time.checked_add(began).ok());
    time.map_or_else(|| record.time.clone(), |time| Time::from(time).to_string())
}
