//! Work that nobody waits for: it goes on when the request that ordered it has ended, and after a restart.

pub mod batches;
pub mod invoices;
