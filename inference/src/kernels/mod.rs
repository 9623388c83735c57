//! Compute kernels, chosen at run time for the processor at hand. The only place with `unsafe`.
//!
//! What always holds: every output element is accumulated in an order that depends on its own
//! sequence alone, never on how many rows share the call. That is what makes a reply the same
//! alone, batched, chunked and after preemption.
#![allow(unsafe_code)]

pub mod aligned;
mod allocator;
pub mod cpu;

pub use aligned::AlignedBuffer;
pub use allocator::return_large_buffers;

/// In a block table: the block that stood here was given back, and no query looks there any more.
pub const NO_BLOCK: u32 = u32::MAX;
/// In a list of cache slots: this row's key and value are not stored, they are in the cache already.
pub const NO_SLOT: usize = usize::MAX;
