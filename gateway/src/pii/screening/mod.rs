//! From the bytes of a request to what may happen to it, as types.

mod batch;
mod body_text;
mod data_url;
mod documents;
mod file_parts;
mod joined;
mod report;
mod screened;
mod turns;
mod unreadable;

pub use report::{RejectedSpan, ReportedSpan, ScanReport, report};
pub use screened::{Blocked, Cleared, ConfineReason, Confined, ScanSummary, ScreenError, Screened, screen};
