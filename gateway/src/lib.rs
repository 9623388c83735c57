//! One OpenAI-compatible API whose sensitive requests never leave your own machines.
//!
//! `ARCHITECTURE.md` beside this crate has the map and the invariants.

pub mod alerts;
pub mod api;
pub mod audit;
pub mod auth;
pub mod billing;
pub mod channels;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod content;
pub mod csv;
pub mod egress;
pub mod ingress;
pub mod invoices;
pub mod jobs;
pub mod labels;
pub mod ledger;
pub mod limits;
pub mod login;
pub mod middleware;
pub mod pii;
pub mod pipeline;
pub mod providers;
pub mod router;
pub mod routing;
pub mod secrets;
pub mod signing;
pub mod state;
pub mod store;
pub mod telemetry;
