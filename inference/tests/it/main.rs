//! Black-box tests: real folders, real HTTP, one binary.
#![allow(clippy::expect_used, clippy::panic)]

mod answers;
mod architectures;
mod batching;
mod broken_folders;
mod completions;
mod disconnects;
mod encoders;
mod errors;
mod goldens;
mod load;
mod logprobs;
mod messages;
mod metrics;
mod openapi;
mod overload;
mod prefix_cache;
mod reading;
mod responses;
mod structure;
mod support;
mod tokenize;
mod tools;
