//! The layers around every handler, outermost first: [`request_id`], [`authenticate`] (which also settles).

mod authenticate;
mod fallback;
mod request_id;

pub use authenticate::{admin, application};
pub use fallback::{method_not_allowed, not_found};
pub use request_id::{RequestId, request_id};
