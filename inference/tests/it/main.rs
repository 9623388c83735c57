//! Black-box tests: real folders, real HTTP, one binary.
#![allow(clippy::expect_used, clippy::panic)]

mod answers;
mod architectures;
mod batching;
mod broken_folders;
mod completions;
mod disconnects;
mod errors;
mod goldens;
mod hub_stub;
mod load;
mod logprobs;
mod messages;
mod metrics;
mod models_command;
mod openapi;
mod overload;
mod prefix_cache;
mod pull;
mod pull_cache;
mod pull_faults;
mod responses;
mod structure;
mod support;
mod tokenize;
mod tools;
