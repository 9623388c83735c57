//! Load on an OpenAI-shaped server, and what it felt like: whole and streamed chat, closed loops and arrivals on a schedule.
//!
//! Everything runs on one thread, since it shares the machine with what it measures: a client made for these answers, without
//! an allocation for each of them. A request on a schedule is timed from when it was due, so that a server that
//! stalls cannot make the load wait for it and look fast (coordinated omission).

mod arrivals;
mod connection;
mod question;
mod report;
mod response;
mod slice;
mod stamps;
mod tally;
mod usage;

pub use arrivals::{Arrivals, Spacing};
pub use connection::{Connection, Failure};
pub use question::{Question, Target};
pub use report::{added, figures, table};
pub use response::{Malformed, Response};
pub use slice::{Pace, Slice, run};
pub use stamps::{STAMP_DIGITS, Stamps};
pub use tally::Tally;
pub use usage::{Processes, Usage};
