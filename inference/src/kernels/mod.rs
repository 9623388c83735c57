//! Compute kernels, chosen at run time for the processor at hand. The only place with `unsafe`.
//!
//! What always holds: every output element is accumulated in an order that depends on its own
//! sequence alone, never on how many rows share the call. That is what makes a reply the same
//! alone, batched, chunked and after preemption.
#![allow(unsafe_code)]

pub mod aligned;
pub mod cpu;

pub use aligned::AlignedBuffer;
