//! Black-box tests: real folders, real HTTP, one binary.
#![allow(clippy::expect_used, clippy::panic)]

mod answers;
mod batching;
mod broken_folders;
mod disconnects;
mod errors;
mod goldens;
mod load;
mod logprobs;
mod overload;
mod prefix_cache;
mod structure;
mod support;
mod tools;
