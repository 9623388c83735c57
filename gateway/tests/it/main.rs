//! The gateway from outside: real HTTP, a real database, and an upstream that keeps every byte it gets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod engine;
mod errors;
mod fallback;
mod gateway;
mod privacy;
mod routes;
mod streams;
mod upstream;
