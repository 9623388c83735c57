//! Builds an engine from weights and settings, and starts its thread.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::{Semaphore, watch};

use crate::kernels::cpu::Level;
use crate::kv_cache::{BlockPool, tensors::KvTensors};
use crate::model_runner::{CacheBudget, CachePlan, MAX_LOGIT_ROWS, ModelRunner, StepRunner};
use crate::models::{Decoder, DecoderConfig, Workspace};
use crate::scheduler::{Scheduler, SchedulerConfig};
use crate::weights::WeightSource;

use super::core::{EngineCore, Outlets};
use super::metrics::CacheLayout;
use super::{EngineHandle, EngineMetrics, EngineSettings, EngineStats, EngineStatus, LaunchError};

const STACK_BYTES: usize = 256 << 20;

/// The threads that all models of a process share for computing.
///
/// # Errors
/// If the system gives no threads.
pub fn thread_pool(settings: &EngineSettings) -> Result<Arc<rayon::ThreadPool>, rayon::ThreadPoolBuildError> {
    // Grammars recurse; only what is touched becomes memory.
    let builder = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    let builder = builder.thread_name(|index| format!("compute-{index}"));
    Ok(Arc::new(builder.num_threads(settings.threads.unwrap_or(0)).build()?))
}

/// Loads a decoder, makes its cache and starts its engine. `name` is for logs and the thread.
///
/// # Errors
/// If a tensor is missing or malformed, or the system gives no thread.
pub fn launch(
    name: &str,
    mut config: DecoderConfig,
    source: &dyn WeightSource,
    settings: &EngineSettings,
    threads: Arc<rayon::ThreadPool>,
) -> Result<EngineHandle, LaunchError> {
    let longest = settings.max_context.unwrap_or(usize::MAX).min(config.max_positions);
    // Some rotations depend on how far the model is served.
    config.max_positions = longest;
    let decoder = threads.install(|| Decoder::load(source, config))?;
    let config = decoder.config();
    let shape = config.attention.kv_shape(settings.block_size);
    let dtype = settings.kv_cache_dtype;
    let max_rows = settings.max_num_batched_tokens;
    let workspace_bytes = Workspace::bytes_for(config, max_rows, max_rows.min(MAX_LOGIT_ROWS)) as u64;
    let budget = CacheBudget {
        kv_cache_bytes: settings.kv_cache_bytes,
        max_num_seqs: settings.max_num_seqs,
        max_context: longest,
        workspace_bytes,
    };
    let plan = CachePlan::new(budget, shape, dtype, config.num_layers);
    let pool = BlockPool::new(plan.num_blocks, settings.block_size);
    let max_context = longest.min(pool.capacity_in_tokens());
    tracing::info!(
        model = name,
        architecture = config.architecture,
        kernels = Level::best().name(),
        threads = threads.current_num_threads(),
        kv_blocks = plan.num_blocks,
        kv_bytes = plan.total_bytes(),
        kv_tokens = pool.capacity_in_tokens(),
        workspace_bytes,
        max_context,
        "engine started"
    );
    let cache = KvTensors::new(shape, dtype, config.num_layers, plan.num_blocks as usize);
    let runner = ModelRunner::new(decoder, cache, settings.block_size, max_rows, threads);
    Ok(start(name, runner, pool, settings, max_context)?)
}

/// Starts an engine's thread around anything that can run steps.
///
/// # Errors
/// If the system gives no thread.
pub fn start<R: StepRunner + 'static>(
    name: &str,
    runner: R,
    pool: BlockPool,
    settings: &EngineSettings,
    max_context: usize,
) -> std::io::Result<EngineHandle> {
    let config = SchedulerConfig {
        max_num_seqs: settings.max_num_seqs,
        max_num_batched_tokens: settings.max_num_batched_tokens,
        window: runner.window(),
    };
    let capacity = settings.max_num_seqs + settings.max_queue;
    let (commands, receiver) = mpsc::channel();
    let (status_sender, status) = watch::channel(EngineStatus::Ready);
    let (stats_sender, stats) = watch::channel(EngineStats::default());
    let metrics = EngineMetrics::new(CacheLayout {
        block_size: settings.block_size,
        num_blocks: pool.num_blocks(),
        dtype: settings.kv_cache_dtype,
    });
    let outlets = Outlets { status: status_sender, stats: stats_sender, metrics: metrics.clone() };
    let begun = Instant::now();
    let clock = Box::new(move || begun.elapsed());
    let scheduler = Scheduler::new(config, pool);
    let core = EngineCore::new((scheduler, runner), settings.num_speculative_tokens, receiver, outlets, clock);
    std::thread::Builder::new().name(format!("engine-{name}")).stack_size(STACK_BYTES).spawn(move || core.run())?;
    Ok(EngineHandle {
        commands,
        places: Arc::new(Semaphore::new(capacity)),
        capacity,
        next_id: Arc::new(AtomicU64::new(0)),
        max_context,
        max_unread_events: settings.max_unread_events,
        metrics,
        status,
        stats,
    })
}
