//! Black-box tests: real folders, real HTTP, one binary.
#![allow(clippy::expect_used, clippy::panic)]

mod answers;
mod architectures;
mod batching;
mod broken_folders;
mod catalog;
mod completions;
mod disconnects;
mod errors;
mod gguf;
mod goldens;
mod hostile_folders;
mod load;
mod logprobs;
mod memory_budget;
mod messages;
mod metrics;
mod openapi;
mod overload;
mod prefix_cache;
mod quantize;
mod responses;
mod structure;
mod support;
mod tokenize;
mod tools;
