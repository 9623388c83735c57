//! Finds personal data in the text of a request and decides what may happen to it.
//!
//! Pure: no I/O, no clock. What always holds: a scan looks at every byte of every segment or says that it is not
//! complete; it never errs and never skips; findings carry places, never values; work is linear in the input and bounded
//! by a budget.
//!
//! `detector` reads texts, `screening` walks whole request bodies and turns what was found into types, `policy` says what
//! each entity means for a request.

mod answers;
mod custom_entity;
mod detector;
mod entity;
mod finding;
mod history;
pub mod masking;
mod placeholder;
mod policy;
mod screening;
mod sticky;

pub use answers::{AnswerBlocked, AnswerGuard, Guarded, GuardedStream};
pub use custom_entity::CustomEntity;
pub use detector::{
    Classified, Classifier, ClassifierError, CustomCheck, CustomRecognizer, CustomRecognizerError, Detector,
    DetectorError, SecondStage, check_recognizer,
};
pub use entity::{Entity, UnknownEntity};
pub(crate) use finding::keys_of;
pub use finding::{Finding, Findings, Rejection, TextSegment};
pub use history::{History, HistoryHash};
pub use policy::{Action, DEFAULT_THRESHOLD, Decision, Policy, PolicyOverrides, Verdict};
pub use screening::{
    AmbiguousInput, Blocked, Cleared, ConfineReason, Confined, Masking, MaskingId, RejectedSpan, ReportedSpan,
    ScanInput, ScanReport, ScanSummary, Scope, ScreenError, Screened, Upload, UploadKind, Uploads, report, screen,
};
pub use sticky::StickyConversations;
