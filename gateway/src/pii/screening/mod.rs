//! From the bytes of a request to what may happen to it, as types.

mod body_text;
mod joined;
mod screened;
mod unreadable;

pub(crate) use body_text::{BodyScan, MAX_NESTING, looks_like_json, pointer_end, scan_body};
pub use screened::{Blocked, Cleared, ConfineReason, Confined, ScanSummary, ScreenError, Screened, screen};
