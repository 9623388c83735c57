//! Work that nobody waits for: it goes on when the request that ordered it has ended, and after a restart.

pub mod audit_feed;
pub mod batches;
pub mod corrections;
pub mod invoices;
pub mod rates;
pub mod spending;
pub mod state;
