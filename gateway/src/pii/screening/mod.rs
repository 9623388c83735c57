//! From the bytes of a request to what may happen to it, as types.

mod batch;
mod body_text;
mod data_url;
mod documents;
mod file_parts;
mod joined;
mod report;
mod scan_input;
mod screened;
mod turns;
mod unreadable;
mod uploads;

pub(crate) use body_text::{BodyScan, MAX_NESTING, looks_like_json, pointer_end, scan_body};
pub use report::{RejectedSpan, ReportedSpan, ScanReport, report};
pub use scan_input::{AmbiguousInput, ScanInput};
pub(crate) use screened::verdict_of;
pub use screened::{
    Blocked, Cleared, ConfineReason, Confined, Masking, MaskingId, ScanSummary, Scope, ScreenError, Screened, screen,
};
pub use uploads::{Upload, UploadKind, Uploads};
