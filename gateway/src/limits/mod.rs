//! What may be used, and by whom: requests, tokens, places and money of keys, projects and customers.
//!
//! A request claims all it may use, at all levels at once, before it is sent: either there is room for all of it, or
//! nothing is counted and the [`Refusal`] says what is at its limit and how long that lasts. What it really used
//! replaces the claim when it is over. Always so: no span of 60 s sees more requests, or more claimed tokens, than a
//! limit by the minute; a hard budget is exceeded at most by what requests under way use beyond their claims; a
//! reservation that nobody settles gives its place back and counts as it was claimed.
//!
//! Counts belong to scopes, not to limits, which come with each claim and may change at any time. Pure: the time is
//! always given, in unix milliseconds; no network, no database.

mod amount;
mod calendar;
mod claim;
mod counts;
mod ledger;
mod limit;
mod limiter;
mod minute;
mod outcome;
mod reservation;
mod scope;
mod standing;
mod state;
mod tally;
#[cfg(test)]
mod tests;

pub use calendar::{BadOffset, Span, UtcOffset};
pub(crate) use claim::{Amounts, MAX_AMOUNT, tenge};
pub use claim::{Bound, Claim, Used};
pub use ledger::{Ledger, LedgerAway, Seed, SeedFuture};
pub use limit::{BadBudget, Budget, Budgets, Limits};
pub use limiter::{LocalLimiter, Reserved};
pub(crate) use outcome::Shortage;
pub use outcome::{Crossing, Refusal, Settled};
pub use reservation::Reservation;
pub use scope::{LEVELS, Level, Measure, Period, Scope, Sum};
pub(crate) use scope::{PerLevel, SUMS};
pub use standing::{Gauge, HeaderDuration, Standing};
pub use state::{ScopeState, SumState};
