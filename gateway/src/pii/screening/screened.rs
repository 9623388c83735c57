//! The outcome of screening, as types. A [`Cleared`] is made by a finished scan and by nothing else; a [`Confined`] can be
//! made of anything, since it never leaves.

use std::collections::BTreeMap;

use bytes::Bytes;
use shekara_protocol::error::ApiError;

use super::body_text::{BodyScan, scan_body_for};
use super::uploads::Uploads;
use crate::auth::DataClass;
use crate::pii::masking::{Conversation, ConversationId, MaskingSecret, Vault, mask_scanned};
use crate::pii::{Decision, Detector, Entity, History, Policy, Verdict};

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
    /// An earlier request of the conversation had to stay.
    Sticky,
}

impl ConfineReason {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pii => "pii",
            Self::DataClass => "data-class",
            Self::ScanFailed => "scan-failed",
            Self::Unreadable => "unreadable",
            Self::Sticky => "sticky",
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
    uploads: Uploads,
    reason: ConfineReason,
    summary: ScanSummary,
}

/// A request in which a finished scan found nothing that must stay, or in which tokens stand for it.
#[derive(Debug)]
pub struct Cleared {
    body: Bytes,
    uploads: Uploads,
    summary: ScanSummary,
    conversation: Option<Box<Conversation>>,
    is_masked: bool,
}

/// What the scan of one request has to know.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'s> {
    /// The least class that its data has.
    pub declared: DataClass,
    pub detector: &'s Detector,
    pub policy: &'s Policy,
    /// An earlier request of the conversation had to stay.
    pub is_sticky: bool,
    /// What was masked in the conversation cannot be known, so that it cannot be looked for.
    pub is_lost: bool,
    /// The body holds text in a form that the scan cannot read: token ids. No route may let that out.
    pub is_unreadable: bool,
    /// What cannot be read may leave.
    pub allows_unreadable: bool,
    /// Files beside the body, which are not read either.
    pub uploads: &'s Uploads,
    /// Without it, what would be masked stays.
    pub masking: Option<Masking<'s>>,
}

/// Whose tokens are used, and where they are kept.
#[derive(Debug, Clone, Copy)]
pub struct Masking<'s> {
    pub secret: &'s MaskingSecret,
    /// `None` for a conversation without a name: it repeats its history, so that its tokens are made anew each time, and
    /// another one that begins with the same words must not have its values.
    pub vault: Option<&'s Vault>,
    pub id: MaskingId<'s>,
    pub now_ms: u64,
}

/// The conversation that tokens are of. What a history comes to is only asked where something is masked.
#[derive(Debug, Clone, Copy)]
pub enum MaskingId<'s> {
    Known(ConversationId),
    OfHistory { tenant: &'s str, history: &'s History },
}

impl Masking<'_> {
    fn id(&self) -> ConversationId {
        match self.id {
            MaskingId::Known(id) => id,
            MaskingId::OfHistory { tenant, history } => self.secret.conversation(tenant, history.masking_key()),
        }
    }
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

impl Scope<'_> {
    fn has_masked_before(&self) -> bool {
        let kept = |masking: Masking<'_>| masking.vault?.entries(&masking.id(), masking.now_ms);
        self.masking.and_then(kept).is_some()
    }
}

impl Confined {
    /// A request that could not be scanned, or was not.
    pub fn unscanned(body: Bytes, data_class: DataClass) -> Self {
        let summary = ScanSummary { counts: BTreeMap::new(), data_class: data_class.max(DataClass::Personal) };
        Self { body, uploads: Uploads::default(), reason: ConfineReason::ScanFailed, summary }
    }

    /// The same with the files that came beside its body.
    #[must_use]
    pub fn with_uploads(self, uploads: Uploads) -> Self {
        Self { uploads, ..self }
    }

    pub fn reason(&self) -> ConfineReason {
        self.reason
    }
}

impl Cleared {
    /// With tokens in place of what was masked.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Files that may leave with it.
    pub fn uploads(&self) -> &Uploads {
        &self.uploads
    }

    /// The conversation whose tokens may stand in the body and in the answer, if it has any.
    pub fn conversation(&self) -> Option<&Conversation> {
        self.conversation.as_deref()
    }

    /// Whether tokens were put in place of values.
    pub fn is_masked(&self) -> bool {
        self.is_masked
    }
}

impl Screened {
    pub fn body(&self) -> &Bytes {
        match self {
            Self::Confined(confined) => &confined.body,
            Self::Cleared(cleared) => &cleared.body,
        }
    }

    pub fn uploads(&self) -> &Uploads {
        match self {
            Self::Confined(confined) => &confined.uploads,
            Self::Cleared(cleared) => &cleared.uploads,
        }
    }

    pub fn summary(&self) -> &ScanSummary {
        match self {
            Self::Confined(confined) => &confined.summary,
            Self::Cleared(cleared) => &cleared.summary,
        }
    }
}

/// Scans every key, string and number of a JSON body.
///
/// # Errors
/// The body is refused, or blocked by the policy.
pub fn screen(body: Bytes, scope: Scope<'_>) -> Result<Screened, ScreenError> {
    let scan = scan_body_for(&body, scope.detector, scope.policy).map_err(ScreenError::Unreadable)?;
    let verdict = verdict_of(&scan, scope.policy);
    let found_class = verdict.counts.keys().map(|entity| entity.data_class()).max().unwrap_or_default();
    let found_class = if verdict.decision == Decision::Clear { DataClass::Public } else { found_class };
    let mut summary = ScanSummary { counts: verdict.counts, data_class: scope.declared.max(found_class) };
    let reason = match verdict.decision {
        Decision::Block => return Err(ScreenError::Blocked(Blocked { summary })),
        Decision::Confine if verdict.complete => Some(ConfineReason::Pii),
        Decision::Confine => Some(ConfineReason::ScanFailed),
        Decision::Mask | Decision::Clear => reason_beside_findings(&scan, scope),
    };
    // What an earlier turn had masked is looked for even where this one alone says nothing of it.
    let must_mask = verdict.decision == Decision::Mask || scope.has_masked_before();
    let masked = (reason.is_none() && must_mask).then(|| masked(&body, scan, scope));
    let uploads = scope.uploads.clone();
    match (reason, masked) {
        (None, None) => Ok(Screened::Cleared(Cleared { body, uploads, summary, conversation: None, is_masked: false })),
        (None, Some(Some(Masked { body, conversation, has_new_tokens }))) => {
            let conversation = Some(conversation);
            Ok(Screened::Cleared(Cleared { body, uploads, summary, conversation, is_masked: has_new_tokens }))
        }
        (reason, _) => {
            summary.data_class = summary.data_class.max(DataClass::Personal);
            let reason = reason.unwrap_or(ConfineReason::Pii);
            Ok(Screened::Confined(Confined { body, uploads, reason, summary }))
        }
    }
}

/// A body whose conversation has tokens.
struct Masked {
    body: Bytes,
    conversation: Box<Conversation>,
    has_new_tokens: bool,
}

/// The body with tokens; `None` when it cannot be masked or the tokens cannot be kept, so that it has to stay.
fn masked(body: &Bytes, scan: BodyScan, scope: Scope<'_>) -> Option<Masked> {
    let masking = scope.masking?;
    let mut conversation = match masking.vault {
        Some(vault) => vault.open(masking.secret, masking.id(), masking.now_ms),
        None => Conversation::new(masking.secret, masking.id()),
    };
    let masked = mask_scanned(body, scan, (scope.detector, scope.policy), &mut conversation).ok()?;
    // What stands somewhere where it cannot be masked, a user's name or a number: the request stays.
    conversation.tripwire().check(masked.body()).ok()?;
    if let Some(vault) = masking.vault {
        vault.save(&mut conversation, masking.now_ms).ok()?;
    }
    let has_new_tokens = !masked.masked().is_empty();
    Some(Masked { body: masked.body().clone(), conversation: Box::new(conversation), has_new_tokens })
}

/// The verdict over every view of a body, and over its files, in which nothing can be masked.
pub(crate) fn verdict_of(scan: &BodyScan, policy: &Policy) -> Verdict {
    let plain = policy.decide(&scan.findings);
    let mut files = policy.decide(&scan.file_findings);
    if files.decision == Decision::Mask {
        files.decision = Decision::Confine;
    }
    let texts = scan.view_findings.iter().fold(plain, |verdict, view| verdict.or_stricter(policy.decide(view)));
    texts.or_stricter(files)
}

fn reason_beside_findings(scan: &BodyScan, scope: Scope<'_>) -> Option<ConfineReason> {
    let must_stay = scope.is_unreadable || !scope.uploads.may_leave();
    let is_unreadable = scan.has_unreadable_part || !scope.uploads.is_empty();
    if scope.declared.is_sensitive() {
        Some(ConfineReason::DataClass)
    } else if must_stay || is_unreadable && !scope.allows_unreadable {
        Some(ConfineReason::Unreadable)
    } else if scope.is_sticky {
        Some(ConfineReason::Sticky)
    } else if scope.is_lost {
        Some(ConfineReason::ScanFailed)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Upload, UploadKind};
    use super::*;

    fn screened(body: &str, declared: DataClass) -> Result<Screened, ScreenError> {
        screened_by(body, declared, &Policy::default(), None)
    }

    fn screened_by(
        body: &str,
        declared: DataClass,
        policy: &Policy,
        masking: Option<Masking<'_>>,
    ) -> Result<Screened, ScreenError> {
        let detector = Detector::new().unwrap();
        let scope = Scope {
            declared,
            detector: &detector,
            policy,
            is_sticky: body.contains("earlier"),
            is_lost: body.contains("forgotten"),
            is_unreadable: body.contains("token ids"),
            allows_unreadable: body.contains("allowed"),
            uploads: &Uploads::default(),
            masking,
        };
        screen(Bytes::from(body.to_owned()), scope)
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
            r#"{"messages":[{"role":"user","content":"N75758761"},{"role":"user","content":"это номер моего паспорта"}]}"#,
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
        for ids in [r#"{"input":"as token ids"}"#, r#"{"input":"allowed as token ids"}"#] {
            assert_eq!(reason(ids), Some(ConfineReason::Unreadable));
        }
    }

    #[test]
    fn one_value_seen_in_two_views_is_counted_once() {
        let body = r#"{"messages":[{"role":"tool","content":"{\"client\": \"901123300258\"}"}]}"#;
        let screened = screened(body, DataClass::Public).unwrap();
        assert_eq!(screened.summary().counts.get(&Entity::Iin), Some(&1));
    }

    #[test]
    fn what_is_sticky_stays_and_what_the_route_answers_for_may_leave() {
        let sticky = screened(r#"{"messages":[{"content":"as earlier"}]}"#, DataClass::Public).unwrap();
        let Screened::Confined(confined) = sticky else { panic!("must stay") };
        assert_eq!(confined.reason(), ConfineReason::Sticky);
        assert_eq!(reason(r#"{"messages":[{"content":"as forgotten"}]}"#), Some(ConfineReason::ScanFailed));
        let image = r#"{"messages":[{"content":[{"type":"image_url","image_url":{"url":"https://x.kz/allowed"}}]}]}"#;
        assert!(matches!(screened(image, DataClass::Public), Ok(Screened::Cleared(_))));
    }

    #[test]
    fn masked_requests_are_cleared_and_what_cannot_be_masked_stays() {
        let secret = MaskingSecret::new([7; 32]);
        let vault = Vault::new(crate::pii::masking::VaultLimits::default());
        let id = MaskingId::Known(secret.conversation("t", "c"));
        let masking = Masking { secret: &secret, vault: Some(&vault), id, now_ms: 1 };
        let policy = Policy::default().masking();
        let body = r#"{"messages":[{"content":"Почта aigul@mail.kz, спасибо"}]}"#;
        let elsewhere = r#"{"user":"u_7011234567","messages":[{"content":"тел 87011234567"}]}"#;
        let stays =
            |body| matches!(screened_by(body, DataClass::Public, &policy, Some(masking)), Ok(Screened::Confined(_)));
        assert!(stays(elsewhere) && stays(r#"{"seed":7011234567,"messages":[{"content":"тел +7 701 123 45 67"}]}"#));
        let Ok(Screened::Cleared(cleared)) = screened_by(body, DataClass::Public, &policy, Some(masking)) else {
            panic!("must be cleared")
        };
        let text = String::from_utf8(cleared.body().to_vec()).unwrap();
        assert!(text.contains("[EMAIL_") && !text.contains("aigul"), "{text}");
        let restored = cleared.conversation().unwrap().restorer().restore(&text);
        assert_eq!(restored, body);
        for stays in [
            r#"{"messages":[{"content":"aigul@mail.kz, ИИН 901123300258"}]}"#,
            r#"{"messages":[{"content":"тел"}],"x":77011234567}"#,
            r#"{"messages":[{"content":"aigul@mail.kz as earlier"}]}"#,
        ] {
            let screened = screened_by(stays, DataClass::Public, &policy, Some(masking)).unwrap();
            assert!(matches!(screened, Screened::Confined(_)), "{stays}");
        }
        let unkept = screened_by(body, DataClass::Public, &policy, None).unwrap();
        assert!(matches!(unkept, Screened::Confined(_)));
    }

    #[test]
    fn a_picture_is_cleared_with_its_words_where_the_route_allows_it_and_a_sound_never() {
        let (detector, policy) = (Detector::new().unwrap(), Policy::default());
        let picture = |kind| Upload { field: "image".to_owned(), kind, bytes: Bytes::from_static(b"GIF89a") };
        for (kind, allows_unreadable, text, is_cleared) in [
            (UploadKind::Picture, true, "a lighthouse", true),
            (UploadKind::Picture, true, "ИИН 901123300258", false),
            (UploadKind::Picture, false, "a lighthouse", false),
            (UploadKind::Sound, true, "a lighthouse", false),
        ] {
            let uploads = Uploads::new(vec![picture(kind)]);
            let scope = Scope {
                declared: DataClass::Public,
                detector: &detector,
                policy: &policy,
                is_sticky: false,
                is_lost: false,
                is_unreadable: false,
                allows_unreadable,
                uploads: &uploads,
                masking: None,
            };
            let body = format!(r#"{{"prompt":"{text}","image":{{"filename":"a.gif"}}}}"#);
            let screened = screen(Bytes::from(body), scope).unwrap();
            assert_eq!(matches!(screened, Screened::Cleared(_)), is_cleared, "{kind:?} {allows_unreadable} {text}");
            assert_eq!(screened.uploads().len(), 1);
        }
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
