//! Several gateways that count together: `limits/` over one Redis.
//!
//! A reservation is one round trip, and its end another: scripts count in Redis, by its own clock, all or nothing.
//! Always so: no request waits longer for Redis than the time-out that is configured; while Redis is away, requests are
//! refused or held against this gateway's share in memory, as [`WhenAway`] says, and what they used is told to Redis
//! when it is back. Places and money that a gateway holds are leases: those of one that is gone come back, for what it
//! spent is written to the ledger when it starts again, and noted then.
//!
//! What gateways learn of deployments that had better be left alone goes there too (`rest`, `rest_courier`): nobody waits
//! for that.
//!
//! One Redis (or a primary with replicas), 6.2 or later, or Valkey. All names have one hash tag, so that a cluster
//! would keep them together, but moved slots are not followed: it is not made for Redis Cluster. Only this folder names
//! the crate `redis`.

mod alone;
mod call;
mod keeper;
mod lease;
mod limiter;
mod link;
mod names;
mod owed;
mod reply;
mod rest;
mod rest_courier;
mod script;
mod seeding;
mod settings;
mod shared;
#[cfg(test)]
mod tests;

pub use lease::SharedReservation;
pub use limiter::{Limiter, Reservation, Reserved};
pub use rest::{Heard, News, Rest, RestBoard, Word};
pub use rest_courier::RestCourier;
pub use settings::{BadSettings, SharedSettings, WhenAway};
pub use shared::{NotReserved, OnCrossing, SharedLimiter, Unavailable};
