//! What a scan found in a body, for people: every span with its rule, its word, its score and what the policy does about
//! it, and what was looked at and not taken. Offsets are in characters (code points). No text of the body is in it,
//! except the names of its fields.

use serde::Serialize;
use shekara_protocol::error::ApiError;

use super::batch::Explanation;
use super::body_text::explain_body;
use super::screened::verdict_of;
use crate::pii::{Action, Decision, Detector, Entity, Policy};

/// The explanation of one scan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScanReport {
    /// What may happen to the body.
    pub decision: Decision,
    /// Whether everything was looked at.
    pub complete: bool,
    /// Whether it holds what cannot be read: an image, a sound, a file.
    pub unreadable: bool,
    /// Every value that was found, by position.
    pub spans: Vec<ReportedSpan>,
    /// What looked like an entity and was not taken for one, by position.
    pub rejected: Vec<RejectedSpan>,
}

/// A value that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportedSpan {
    /// JSON pointer to the text (or to the value of the key) that it stands in.
    pub pointer: String,
    /// What it is.
    pub entity: Entity,
    /// First character.
    pub start: usize,
    /// Behind the last character.
    pub end: usize,
    /// In percent.
    pub score: u8,
    /// The rule that found it.
    pub rule: &'static str,
    /// The word that spoke for it, as the word list spells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<&'static str>,
    /// What the policy does about it; absent below the threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
}

/// What was looked at and not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RejectedSpan {
    /// JSON pointer to the text.
    pub pointer: String,
    /// What it looked like.
    pub entity: Entity,
    /// First character.
    pub start: usize,
    /// Behind the last character.
    pub end: usize,
    /// The rule that looked at it.
    pub rule: &'static str,
    /// Why it was not taken.
    pub reason: &'static str,
}

/// Scans a JSON body as a request's would be, and says why.
///
/// # Errors
/// The body is not JSON that everybody reads the same way.
pub fn report(body: &[u8], detector: &Detector, policy: &Policy) -> Result<ScanReport, ApiError> {
    let (scan, explanation) = explain_body(body, detector)?;
    let verdict = verdict_of(&scan, policy);
    let Explanation { leaves, mut findings, mut rejections } = explanation;
    findings.sort_by_key(|finding| (finding.segment, finding.span.start, finding.span.end));
    rejections.sort_by_key(|rejection| (rejection.segment, rejection.span.start, rejection.span.end));
    let place = |segment: usize, span: &std::ops::Range<usize>| {
        let (pointer, text) = leaves.get(segment)?;
        let start = text.get(..span.start)?.chars().count();
        let end = start + text.get(span.clone())?.chars().count();
        Some((pointer.clone(), start, end))
    };
    let spans = findings.iter().filter_map(|finding| {
        let (pointer, start, end) = place(finding.segment, &finding.span)?;
        Some(ReportedSpan {
            pointer,
            entity: finding.entity,
            start,
            end,
            score: finding.score,
            rule: finding.rule,
            context: finding.context,
            action: policy.counts(finding).then(|| policy.action(finding.entity)),
        })
    });
    let rejected = rejections.iter().filter_map(|rejection| {
        let (pointer, start, end) = place(rejection.segment, &rejection.span)?;
        let (entity, rule, reason) = (rejection.entity, rejection.rule, rejection.reason);
        Some(RejectedSpan { pointer, entity, start, end, rule, reason })
    });
    Ok(ScanReport {
        decision: verdict.decision,
        complete: verdict.complete,
        unreadable: scan.has_unreadable_part,
        spans: spans.collect(),
        rejected: rejected.collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(body: &str) -> ScanReport {
        report(body.as_bytes(), &Detector::new().unwrap(), &Policy::default()).unwrap()
    }

    #[test]
    fn spans_are_in_characters_and_say_why() {
        let found = reported(r#"{"messages":[{"content":"мой ИИН: 850101300123"}]}"#);
        assert_eq!(found.decision, Decision::Confine);
        let [span] = found.spans.as_slice() else { panic!("{found:?}") };
        assert_eq!(
            (span.pointer.as_str(), span.entity, span.start, span.end),
            ("/messages/0/content", Entity::Iin, 9, 21)
        );
        assert_eq!((span.rule, span.context, span.action), ("iin/context", Some("иин"), Some(Action::Local)));
    }

    #[test]
    fn a_number_over_two_messages_is_reported_in_both() {
        let found = reported(r#"{"messages":[{"content":"ИИН 901123"},{"content":"300258, проверьте"}]}"#);
        let places: Vec<_> = found.spans.iter().map(|span| (span.pointer.as_str(), span.start, span.end)).collect();
        assert_eq!(places, [("/messages/0/content", 4, 10), ("/messages/1/content", 0, 6)]);
    }
}
