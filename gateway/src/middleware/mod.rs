//! The layers around every handler, outermost first: [`request_id`] with [`messages_shape`] in it, [`authenticate`] (which
//! also settles), for administrators [`once`].

mod authenticate;
mod client_address;
mod fallback;
mod messages_shape;
mod once;
mod request_id;

pub use authenticate::{admin, application, visitor};
pub use fallback::{method_not_allowed, not_found};
pub use once::once;
pub use request_id::{RequestId, request_id};
