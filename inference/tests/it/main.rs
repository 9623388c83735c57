//! Black-box tests: real folders, real HTTP, one binary.
#![allow(clippy::expect_used, clippy::panic)]

mod answers;
mod batching;
mod broken_folders;
mod completions;
mod errors;
mod goldens;
mod messages;
mod metrics;
mod openapi;
mod overload;
mod responses;
mod support;
mod tokenize;
