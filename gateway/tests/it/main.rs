//! The gateway from outside: real HTTP, a real database, and an upstream that keeps every byte it gets.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod alerts;
mod anthropic;
mod audit;
mod batches;
mod bedrock;
mod cached;
mod check;
mod classifiers;
mod command;
mod conversations;
mod drill;
mod echo;
mod endpoints;
mod engine;
mod errors;
mod fallback;
mod faults;
mod files;
mod gateway;
mod leaks;
mod local_models;
mod local_readers;
mod lost_vault;
mod masking;
mod messages;
mod pictures;
mod planted;
mod privacy;
mod provider_keys;
mod providers;
mod replays;
mod routes;
mod routing;
mod served;
mod shapes;
mod speech;
mod stored;
mod streams;
mod thoughts;
mod tls;
mod upstream;
mod vault_secrets;
mod vault_stub;
mod vectors;
