//! Kernels for CPUs: AVX-512, AVX2 with FMA, or portable code, from one generic source.
// Generic bodies must end up inside the function that enables the instructions, at any cost.
#![allow(clippy::inline_always)]
// Intrinsics are known by their prefix.
#![allow(clippy::wildcard_imports)]

mod activation;
#[cfg(target_arch = "x86_64")]
mod amx;
mod attention;
mod attention_block;
#[cfg(target_arch = "x86_64")]
mod attention_matrix;
#[cfg(target_arch = "x86_64")]
mod attention_pairs;
mod attention_plan;
mod attention_tile;
#[cfg(target_arch = "x86_64")]
mod bf16_products;
mod block_format;
mod elementwise;
mod few_rows;
mod float8_linear;
mod integer_linear;
#[cfg(target_arch = "x86_64")]
mod integer_products;
mod integers;
#[cfg(target_arch = "x86_64")]
mod integers_avx2;
#[cfg(target_arch = "x86_64")]
mod integers_avx512;
mod kv_format;
mod kv_store;
mod level;
mod linear;
mod norm;
mod packed;
mod packed_attention;
mod parallel;
mod quantize;
mod rotate;
mod rounded;
mod rows;
mod team;
mod tile_codes;
mod tiles;
mod vector;
#[cfg(target_arch = "x86_64")]
mod vector_avx2;
#[cfg(target_arch = "x86_64")]
mod vector_avx512;

pub use activation::{Activation, gated, ungated};
pub use attention::{AttentionShape, QueryRows, SequenceSpan, paged_attention};
pub use block_format::{BlockFormat, FLOAT8_MAX};
pub use elementwise::{add_assign, add_scaled, scale, soft_cap};
pub use kv_store::{KvDtype, KvLayer, KvShape};
pub use level::Level;
pub use linear::{linear, scratch_len};
pub use norm::{layer_norm, rms_norm};
pub use packed::{PackedMatrix, WeightDtype};
pub use packed_attention::{PackedShape, ScoreBias, packed_attention};
pub use parallel::for_each_row;
pub use quantize::quantize_row;
pub use rotate::rotate_halves;
pub use rows::{add_to_rows, gather_rows};
pub use team::Team;
