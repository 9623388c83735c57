//! The search rows of requests, as the database has them.

use std::collections::BTreeMap;

use sqlx::Row as _;
use sqlx::any::AnyRow;

use super::projection::{Insert, Query};
use super::{AuditRow, StoreError};
use crate::audit::{AuditRecord, Outcome, Try};
use crate::billing::UsageSource;

/// A record of the same request replaces what was known before its end; its place in the order stays.
pub(super) const AUDIT_ROWS: Insert = Insert {
    table: "audit",
    columns: "request_id, time, tenant, project, environment, key_id, actor, endpoint, route, reason, \
              provider, model, zone, data_class, entities, pii_action, policy_version, outcome, status, \
              error_code, streamed, attempts, prompt_tokens, completion_tokens, usage_source, first_token_ms, \
              total_ms, answer_entities, audio_seconds, tries, object, department, scenario, day, content",
    // Of one type always: what is missing would be sent as another, under a statement that is kept for both.
    absent: Some(("audio_seconds", "-1.0")),
    conflict: "ON CONFLICT (request_id) DO UPDATE SET route = excluded.route, reason = excluded.reason, \
               provider = excluded.provider, model = excluded.model, zone = excluded.zone, data_class = \
               excluded.data_class, entities = excluded.entities, pii_action = excluded.pii_action, outcome = \
               excluded.outcome, status = excluded.status, error_code = excluded.error_code, streamed = \
               excluded.streamed, attempts = excluded.attempts, prompt_tokens = excluded.prompt_tokens, \
               completion_tokens = excluded.completion_tokens, usage_source = excluded.usage_source, \
               first_token_ms = excluded.first_token_ms, total_ms = excluded.total_ms, answer_entities = \
               excluded.answer_entities, audio_seconds = excluded.audio_seconds, tries = excluded.tries, \
               object = excluded.object, content = excluded.content",
};

pub(super) fn bind_audit<'q>(query: Query<'q>, record: &'q AuditRecord) -> Query<'q> {
    let count = |value: Option<u64>| value.map(u64::cast_signed);
    query
        .bind(&record.request_id)
        .bind(&record.time)
        .bind(&record.tenant)
        .bind(&record.project)
        .bind(&record.environment)
        .bind(&record.key_id)
        .bind(&record.actor)
        .bind(&record.endpoint)
        .bind(&record.route)
        .bind(&record.reason)
        .bind(&record.provider)
        .bind(&record.model)
        .bind(&record.zone)
        .bind(record.data_class.as_str())
        .bind(serde_json::to_string(&record.entities).unwrap_or_default())
        .bind(&record.pii_action)
        .bind(&record.policy_version)
        .bind(record.outcome.as_str())
        .bind(i64::from(record.status))
        .bind(&record.error_code)
        .bind(i64::from(record.streamed))
        .bind(i64::from(record.attempts))
        .bind(count(record.prompt_tokens))
        .bind(count(record.completion_tokens))
        .bind(record.usage_source.map(UsageSource::as_str))
        .bind(count(record.first_token_ms))
        .bind(record.total_ms.cast_signed())
        .bind(serde_json::to_string(&record.answer_entities).unwrap_or_default())
        .bind(record.audio_seconds.unwrap_or(-1.0))
        .bind(serde_json::to_string(&record.tries).unwrap_or_default())
        .bind(&record.object)
        .bind(&record.department)
        .bind(&record.scenario)
        .bind(&record.day)
        .bind(record.content.as_ref().and_then(|content| serde_json::to_string(content).ok()))
}

pub(super) fn audit_from(row: &AnyRow) -> Result<AuditRow, StoreError> {
    let unknown = |column| StoreError::UnknownValue { table: "audit", column };
    let count = |column: &str| row.try_get::<Option<i64>, _>(column).map(|value| value.map(i64::cast_unsigned));
    let outcome = match row.try_get::<&str, _>("outcome")? {
        "dispatched" => Outcome::Dispatched,
        "completed" => Outcome::Completed,
        "failed" => Outcome::Failed,
        "aborted" => Outcome::Aborted,
        _ => return Err(unknown("outcome")),
    };
    let usage_source = match row.try_get::<Option<&str>, _>("usage_source")? {
        None => None,
        Some("provider") => Some(UsageSource::Provider),
        Some("estimated") => Some(UsageSource::Estimated),
        Some(_) => return Err(unknown("usage_source")),
    };
    let entities: BTreeMap<String, u32> =
        serde_json::from_str(row.try_get("entities")?).map_err(|_| unknown("entities"))?;
    let answer_entities: BTreeMap<String, u32> =
        serde_json::from_str(row.try_get("answer_entities")?).map_err(|_| unknown("answer_entities"))?;
    let tries: Vec<Try> = serde_json::from_str(row.try_get("tries")?).map_err(|_| unknown("tries"))?;
    let content = row.try_get::<Option<&str>, _>("content")?;
    let content = content.map(serde_json::from_str).transpose().map_err(|_| unknown("content"))?;
    let record = AuditRecord {
        tries,
        content,
        request_id: row.try_get("request_id")?,
        time: row.try_get("time")?,
        tenant: row.try_get("tenant")?,
        project: row.try_get("project")?,
        environment: row.try_get("environment")?,
        key_id: row.try_get("key_id")?,
        actor: row.try_get("actor")?,
        endpoint: row.try_get("endpoint")?,
        object: row.try_get("object")?,
        department: row.try_get("department")?,
        scenario: row.try_get("scenario")?,
        day: row.try_get("day")?,
        route: row.try_get("route")?,
        reason: row.try_get("reason")?,
        provider: row.try_get("provider")?,
        model: row.try_get("model")?,
        zone: row.try_get("zone")?,
        data_class: row.try_get::<&str, _>("data_class")?.parse().map_err(|_| unknown("data_class"))?,
        entities,
        answer_entities,
        pii_action: row.try_get("pii_action")?,
        policy_version: row.try_get("policy_version")?,
        outcome,
        status: row.try_get::<i64, _>("status")?.try_into().map_err(|_| unknown("status"))?,
        error_code: row.try_get("error_code")?,
        streamed: row.try_get::<i64, _>("streamed")? != 0,
        attempts: row.try_get::<i64, _>("attempts")?.try_into().map_err(|_| unknown("attempts"))?,
        prompt_tokens: count("prompt_tokens")?,
        completion_tokens: count("completion_tokens")?,
        usage_source,
        audio_seconds: row.try_get("audio_seconds")?,
        first_token_ms: count("first_token_ms")?,
        total_ms: row.try_get::<i64, _>("total_ms")?.cast_unsigned(),
    };
    Ok(AuditRow { sequence: row.try_get("sequence")?, record })
}
