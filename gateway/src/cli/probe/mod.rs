//! What `check` and `drill` share: an environment that is asked as an application asks it, and answers that are looked at
//! for their shape and never kept or shown.

mod environment;
mod event_stream;
mod reading;
mod shape;
mod whole;

pub(super) use environment::{Environment, Exchange, Unanswered};
pub(super) use reading::{Call, Reading, Wanted};
pub(super) use shape::{Difference, Shape};
