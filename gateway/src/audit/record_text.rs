//! A record as canonical JSON, member by member in the order of that form: nothing is sorted and nothing looked up.
//!
//! What it writes is what [`written`] does of the same record, to the byte; a test holds the one against the other for every
//! field there is.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Number;

use super::canonical::{MAX_EXACT_INTEGER, NotCanonical, push_number, push_string};
use super::canonical_writer::{push_written, written};
use super::{AuditRecord, Try};
use crate::billing::{Usage, UsageSource};

/// # Errors
/// The record has a number that has no canonical text.
pub(super) fn record_text(record: &AuditRecord) -> Result<String, NotCanonical> {
    let mut text = String::with_capacity(1536);
    push_record(&mut text, record)?;
    Ok(text)
}

fn push_record(text: &mut String, record: &AuditRecord) -> Result<(), NotCanonical> {
    push_text(text, "{\"actor\":", &record.actor);
    push_counts(text, ",\"answer_entities\":", &record.answer_entities)?;
    push_integer(text, ",\"attempts\":", u64::from(record.attempts));
    push_seconds(text, ",\"audio_seconds\":", record.audio_seconds)?;
    push_count(text, ",\"completion_tokens\":", record.completion_tokens);
    push_present(text, ",\"content\":", record.content.as_ref())?;
    push_text(text, ",\"data_class\":", record.data_class.as_str());
    push_given(text, ",\"day\":", record.day.as_deref());
    push_given(text, ",\"department\":", record.department.as_deref());
    push_text(text, ",\"endpoint\":", &record.endpoint);
    push_counts(text, ",\"entities\":", &record.entities)?;
    push_text(text, ",\"environment\":", &record.environment);
    push_name(text, ",\"error_code\":", record.error_code.as_deref());
    push_count(text, ",\"first_token_ms\":", record.first_token_ms);
    push_text(text, ",\"key_id\":", &record.key_id);
    push_name(text, ",\"model\":", record.model.as_deref());
    push_given(text, ",\"object\":", record.object.as_deref());
    push_text(text, ",\"outcome\":", record.outcome.as_str());
    push_text(text, ",\"pii_action\":", &record.pii_action);
    push_text(text, ",\"policy_version\":", &record.policy_version);
    push_text(text, ",\"project\":", &record.project);
    push_count(text, ",\"prompt_tokens\":", record.prompt_tokens);
    push_name(text, ",\"provider\":", record.provider.as_deref());
    push_name(text, ",\"reason\":", record.reason.as_deref());
    push_text(text, ",\"request_id\":", &record.request_id);
    push_name(text, ",\"route\":", record.route.as_deref());
    push_given(text, ",\"scenario\":", record.scenario.as_deref());
    push_integer(text, ",\"status\":", u64::from(record.status));
    text.push_str(if record.streamed { ",\"streamed\":true" } else { ",\"streamed\":false" });
    push_text(text, ",\"tenant\":", &record.tenant);
    push_text(text, ",\"time\":", &record.time);
    push_integer(text, ",\"total_ms\":", record.total_ms);
    push_tries(text, &record.tries)?;
    push_name(text, ",\"usage_source\":", record.usage_source.map(UsageSource::as_str));
    push_name(text, ",\"zone\":", record.zone.as_deref());
    text.push('}');
    Ok(())
}

fn push_tries(text: &mut String, tries: &[Try]) -> Result<(), NotCanonical> {
    text.push_str(",\"tries\":[");
    for (place, attempt) in tries.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        push_try(text, attempt)?;
    }
    text.push(']');
    Ok(())
}

fn push_try(text: &mut String, attempt: &Try) -> Result<(), NotCanonical> {
    push_integer(text, "{\"began_ms\":", attempt.began_ms);
    push_present(text, ",\"charge\":", attempt.charge.as_ref())?;
    push_present(text, ",\"factor\":", attempt.factor.as_ref())?;
    push_text(text, ",\"model\":", &attempt.model);
    push_text(text, ",\"provider\":", &attempt.provider);
    push_text(text, ",\"reason\":", &attempt.reason);
    push_text(text, ",\"result\":", attempt.result.as_str());
    push_count(text, ",\"took_ms\":", attempt.took_ms);
    push_given(text, ",\"unpriced\":", attempt.unpriced.as_deref());
    if let Some(usage) = &attempt.usage {
        push_usage(text, usage);
    }
    push_given(text, ",\"usage_source\":", attempt.usage_source.map(UsageSource::as_str));
    push_text(text, ",\"zone\":", &attempt.zone);
    text.push('}');
    Ok(())
}

fn push_usage(text: &mut String, usage: &Usage) {
    text.push_str(",\"usage\":{");
    let begin = text.len();
    let before_names = [
        (",\"audio_ms\":", usage.audio_ms),
        (",\"cache_write_1h_tokens\":", usage.cache_write_1h_tokens),
        (",\"cache_write_tokens\":", usage.cache_write_tokens),
        (",\"cached_prompt_tokens\":", usage.cached_prompt_tokens),
        (",\"characters\":", usage.characters),
        (",\"completion_audio_tokens\":", usage.completion_audio_tokens),
        (",\"completion_image_tokens\":", usage.completion_image_tokens),
        (",\"completion_tokens\":", usage.completion_tokens),
    ];
    let behind_names = [
        (",\"images\":", usage.images),
        (",\"prompt_audio_tokens\":", usage.prompt_audio_tokens),
        (",\"prompt_image_tokens\":", usage.prompt_image_tokens),
        (",\"prompt_tokens\":", usage.prompt_tokens),
        (",\"reasoning_tokens\":", usage.reasoning_tokens),
        (",\"requests\":", usage.requests),
        (",\"searches\":", usage.searches),
    ];
    let push_counted = |text: &mut String, counts: &[(&str, Option<u64>)]| {
        for (name, count) in counts {
            if let Some(count) = count {
                push_integer(text, name, *count);
            }
        }
    };
    push_counted(text, &before_names);
    push_given(text, ",\"image_quality\":", usage.image_quality.as_deref());
    push_given(text, ",\"image_size\":", usage.image_size.as_deref());
    push_counted(text, &behind_names);
    // The first has no comma before it.
    if text.len() > begin {
        text.remove(begin);
    }
    text.push('}');
}

fn push_text(text: &mut String, name: &str, value: &str) {
    text.push_str(name);
    push_string(text, value);
}

/// Missing is `null`.
fn push_name(text: &mut String, name: &str, value: Option<&str>) {
    text.push_str(name);
    match value {
        Some(value) => push_string(text, value),
        None => text.push_str("null"),
    }
}

/// Missing is not written.
fn push_given(text: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        push_text(text, name, value);
    }
}

fn push_integer(text: &mut String, name: &str, integer: u64) {
    text.push_str(name);
    push_digits(text, integer.min(MAX_EXACT_INTEGER));
}

/// Missing is `null`.
fn push_count(text: &mut String, name: &str, count: Option<u64>) {
    match count {
        Some(count) => push_integer(text, name, count),
        None => text.extend([name, "null"]),
    }
}

fn push_seconds(text: &mut String, name: &str, seconds: Option<f64>) -> Result<(), NotCanonical> {
    text.push_str(name);
    if let Some(seconds) = seconds.and_then(Number::from_f64) {
        return push_number(text, &seconds);
    }
    text.push_str("null");
    Ok(())
}

fn push_counts(text: &mut String, name: &str, counts: &BTreeMap<String, u32>) -> Result<(), NotCanonical> {
    text.push_str(name);
    if counts.is_empty() {
        text.push_str("{}");
        return Ok(());
    }
    text.push_str(&written(counts)?);
    Ok(())
}

/// Of what few records have: sorted as it is written. Missing is not written.
fn push_present(text: &mut String, name: &str, value: Option<&impl Serialize>) -> Result<(), NotCanonical> {
    let Some(value) = value else { return Ok(()) };
    text.push_str(name);
    push_written(text, value)
}

/// In decimal.
pub(super) fn push_digits(text: &mut String, mut integer: u64) {
    let mut digits = [0; 20];
    let mut begin = digits.len();
    loop {
        begin -= 1;
        digits[begin] = b'0' + (integer % 10) as u8;
        integer /= 10;
        if integer == 0 {
            break;
        }
    }
    // Digits are ASCII.
    text.push_str(std::str::from_utf8(&digits[begin..]).unwrap_or_default());
}

#[cfg(test)]
#[path = "record_text_tests.rs"]
mod tests;
