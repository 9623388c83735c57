//! Open-weight language models on your own machines behind OpenAI's API: continuous batching,
//! paged key-value cache, token streaming. ARCHITECTURE.md, beside this crate's manifest, shows
//! how the parts fit together.
//!
//! ```no_run
//! use shekara_inference::{catalog::Catalog, engine::EngineSettings, server};
//!
//! let catalog = Catalog::load("models".as_ref(), EngineSettings::default())?;
//! let router = server::router(server::ServerState::new(catalog));
//! # Ok::<(), shekara_inference::catalog::CatalogError>(())
//! ```

pub mod audio;
pub mod bench;
pub mod catalog;
pub mod engine;
pub mod frontend;
pub mod hub;
pub mod kernels;
pub mod kv_cache;
pub mod layers;
pub mod model_runner;
pub mod models;
pub mod sampling;
pub mod scheduler;
pub mod server;
pub mod weights;
