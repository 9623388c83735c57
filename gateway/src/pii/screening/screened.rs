//! The outcome of screening, as types. A [`Cleared`] is made by a finished scan and by nothing else; a [`Confined`] can be
//! made of anything, since it never leaves.

use std::collections::BTreeMap;

use bytes::Bytes;
use shekara_protocol::error::ApiError;

use super::body_text::{BodyScan, scan_body};
use crate::auth::DataClass;
use crate::pii::{Decision, Detector, Entity, Policy, Verdict};

/// Why a request stays inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfineReason {
    /// A personal entity was found.
    Pii,
    /// The key, the route or the request itself says that its data is personal.
    DataClass,
    /// The scan did not finish.
    ScanFailed,
    /// The request holds what cannot be read: an image, a sound, a file.
    Unreadable,
}

impl ConfineReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pii => "pii",
            Self::DataClass => "data-class",
            Self::ScanFailed => "scan-failed",
            Self::Unreadable => "unreadable",
        }
    }
}

/// What a scan found, without any value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanSummary {
    pub counts: BTreeMap<Entity, u32>,
    pub data_class: DataClass,
}

/// A request that may be answered inside the border only.
#[derive(Debug)]
pub struct Confined {
    body: Bytes,
    reason: ConfineReason,
    summary: ScanSummary,
}

/// A request in which a finished scan found nothing that must stay.
#[derive(Debug)]
pub struct Cleared {
    body: Bytes,
    summary: ScanSummary,
}

#[derive(Debug)]
pub enum Screened {
    Confined(Confined),
    Cleared(Cleared),
}

/// The request holds an entity whose action is `block`: nobody answers it.
#[derive(Debug)]
pub struct Blocked {
    pub summary: ScanSummary,
}

/// Why there is nothing to route.
#[derive(Debug)]
pub enum ScreenError {
    /// The body is no JSON that everybody reads the same way.
    Unreadable(ApiError),
    Blocked(Blocked),
}

impl Confined {
    /// A request that could not be scanned.
    pub fn unscanned(body: Bytes, data_class: DataClass) -> Self {
        let summary = ScanSummary { counts: BTreeMap::new(), data_class: data_class.max(DataClass::Personal) };
        Self { body, reason: ConfineReason::ScanFailed, summary }
    }

    pub fn reason(&self) -> ConfineReason {
        self.reason
    }
}

impl Cleared {
    pub fn body(&self) -> &Bytes {
        &self.body
    }
}

impl Screened {
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Confined(confined) => &confined.body,
            Self::Cleared(cleared) => &cleared.body,
        }
    }

    pub fn summary(&self) -> &ScanSummary {
        match self {
            Self::Confined(confined) => &confined.summary,
            Self::Cleared(cleared) => &cleared.summary,
        }
    }
}

/// Scans every key, string and number of a JSON body. `declared` is the least class its data has.
///
/// # Errors
/// The body is refused, or blocked by the policy.
pub fn screen(body: Bytes, declared: DataClass, detector: &Detector, policy: &Policy) -> Result<Screened, ScreenError> {
    let scan = scan_body(&body, detector).map_err(ScreenError::Unreadable)?;
    let verdict = verdict_of(&scan, policy);
    let found_class = if verdict.decision == Decision::Clear { DataClass::Public } else { DataClass::Personal };
    let mut summary = ScanSummary { counts: verdict.counts, data_class: declared.max(found_class) };
    let reason = match verdict.decision {
        Decision::Block => return Err(ScreenError::Blocked(Blocked { summary })),
        // Unmasked, such a request stays.
        Decision::Mask => Some(ConfineReason::Pii),
        Decision::Confine if verdict.complete => Some(ConfineReason::Pii),
        Decision::Confine => Some(ConfineReason::ScanFailed),
        Decision::Mask => Some(ConfineReason::Pii),
        Decision::Clear => reason_beside_findings(&scan, declared),
    };
    Ok(match reason {
        Some(reason) => {
            summary.data_class = summary.data_class.max(DataClass::Personal);
            Screened::Confined(Confined { body, reason, summary })
        }
        None => Screened::Cleared(Cleared { body, summary }),
    })
}

/// The verdict over every view of a body.
pub(crate) fn verdict_of(scan: &BodyScan, policy: &Policy) -> Verdict {
    let plain = policy.decide(&scan.findings);
    scan.view_findings.iter().fold(plain, |verdict, view| verdict.or_stricter(policy.decide(view)))
}

fn reason_beside_findings(scan: &BodyScan, declared: DataClass) -> Option<ConfineReason> {
    if declared.is_sensitive() {
        Some(ConfineReason::DataClass)
    } else if scan.has_unreadable_part {
        Some(ConfineReason::Unreadable)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screened(body: &str, declared: DataClass) -> Result<Screened, ScreenError> {
        screen(Bytes::from(body.to_owned()), declared, &Detector::new().unwrap(), &Policy::default())
    }

    fn reason(body: &str) -> Option<ConfineReason> {
        match screened(body, DataClass::Public).unwrap() {
            Screened::Confined(confined) => Some(confined.reason()),
            Screened::Cleared(_) => None,
        }
    }

    #[test]
    fn an_iin_confines_wherever_it_stands() {
        for body in [
            r#"{"messages":[{"content":"мой ИИН 901123300258"}]}"#,
            r#"{"messages":[{"tool_calls":[{"function":{"arguments":"{\"iin\":\"9011 2330 0258\"}"}}]}]}"#,
            r#"{"messages":[{"tool_calls":[{"function":{"arguments":"{\"x\":\"\\u0039\\u0030\\u0031123300258\"}"}}]}]}"#,
            r#"{"metadata":{"901123300258":true}}"#,
            r#"{"metadata":{"n":901123300258}}"#,
            r#"{"metadata":{"n":9.01123300258e11}}"#,
            r#"{"name":"u901123300258"}"#,
            r#"{"x":{"y":[[{"z":"901123-300258"}]]}}"#,
            r#"{"x":{"iin":"900000000000"}}"#,
            r#"{"x":{"ИИН":900000000000}}"#,
        ] {
            assert_eq!(reason(body), Some(ConfineReason::Pii), "{body}");
        }
    }

    #[test]
    fn what_cannot_be_read_confines() {
        for part in [
            r#"{"type":"image_url","image_url":{"url":"https://x.kz/a.png"}}"#,
            r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}"#,
            r#"{"type":"file","file":{"file_id":"f"}}"#,
            r#"{"type":"something_new"}"#,
        ] {
            let body = format!(r#"{{"messages":[{{"role":"user","content":[{part}]}}]}}"#);
            assert_eq!(reason(&body), Some(ConfineReason::Unreadable), "{body}");
        }
        let text = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}],"tools":[{"type":"function"}]}"#;
        assert_eq!(reason(text), None);
    }

    #[test]
    fn one_value_seen_in_two_views_is_counted_once() {
        let body = r#"{"messages":[{"role":"tool","content":"{\"client\": \"901123300258\"}"}]}"#;
        let screened = screened(body, DataClass::Public).unwrap();
        assert_eq!(screened.summary().counts.get(&Entity::Iin), Some(&1));
    }

    #[test]
    fn a_declared_class_only_raises() {
        let body = r#"{"messages":[{"content":"hello"}]}"#;
        assert!(matches!(screened(body, DataClass::Internal), Ok(Screened::Cleared(_))));
        let Ok(Screened::Confined(confined)) = screened(body, DataClass::Special) else { panic!("must stay") };
        assert_eq!((confined.reason, confined.summary.data_class), (ConfineReason::DataClass, DataClass::Special));
        let personal = r#"{"messages":[{"content":"901123300258"}]}"#;
        let Ok(Screened::Confined(confined)) = screened(personal, DataClass::Public) else { panic!("must stay") };
        assert_eq!(confined.summary.data_class, DataClass::Personal);
    }
}
