//! The layers around every handler, outermost first: [`request_id`], [`messages_shape`],
//! [`authenticate`] (which also settles).

mod authenticate;
mod client_address;
mod fallback;
mod messages_shape;
mod request_id;

pub use authenticate::{admin, application, visitor};
pub use fallback::{method_not_allowed, not_found};
pub use messages_shape::messages_shape;
pub use request_id::{RequestId, request_id};
