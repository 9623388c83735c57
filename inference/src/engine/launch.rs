//! Builds an engine from weights and settings, and starts its thread.

use std::num::NonZero;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, mpsc};
use std::time::Instant;

use tokio::sync::{Semaphore, watch};

use crate::kernels::cpu::{Level, Team};
use crate::kernels::return_large_buffers;
use crate::kv_cache::{BlockPool, tensors::KvTensors};
use crate::model_runner::{ModelRunner, Samplers, StepRunner};
use crate::models::{Adapter, Decoder, DecoderConfig};
use crate::sampling::Draw;
use crate::scheduler::{Scheduler, SchedulerConfig, SequenceId, StepPlan};
use crate::weights::WeightSource;

use super::core::{EngineCore, Outlets};
use super::metrics::CacheLayout;
use super::self_test::self_test;
use super::{EngineHandle, EngineMetrics, EnginePlan, EngineSettings, EngineStats, EngineStatus, LaunchError};

const STACK_BYTES: usize = 256 << 20;

/// The threads that all models of a process share for computing. From here on, what weights are read into is given back
/// to the system when they are packed.
///
/// # Errors
/// If the system gives no threads.
pub fn thread_pool(settings: &EngineSettings) -> Result<Arc<rayon::ThreadPool>, rayon::ThreadPoolBuildError> {
    return_large_buffers();
    // Grammars recurse; only what is touched becomes memory.
    let builder = rayon::ThreadPoolBuilder::new().stack_size(STACK_BYTES);
    let builder = builder.thread_name(|index| format!("compute-{index}"));
    let threads = settings.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    let team = Team::new(threads);
    Ok(Arc::new(builder.num_threads(threads).start_handler(move |_| team.lead()).build()?))
}

/// Held as long as an engine's memory is in use.
pub type Lease = Box<dyn Send>;

/// What an engine is loaded with and from.
pub struct Launch<'a> {
    /// For logs and the thread.
    pub name: &'a str,
    pub source: &'a dyn WeightSource,
    /// Reads and packs; apart from `compute`, so that loading holds up nobody's answer.
    pub loading: &'a rayon::ThreadPool,
    pub compute: Arc<rayon::ThreadPool>,
    /// Told which share of the weights is loaded, 0 to 1.
    pub progress: &'a (dyn Fn(f32) + Sync),
    pub lease: Option<Lease>,
}

/// Loads a model and starts its engine, with one pool of threads for everything.
///
/// # Errors
/// As [`Launch::run`].
pub fn launch(
    name: &str,
    config: DecoderConfig,
    source: &dyn WeightSource,
    settings: &EngineSettings,
    threads: &Arc<rayon::ThreadPool>,
) -> Result<EngineHandle, LaunchError> {
    let compute = Arc::clone(threads);
    let launch = Launch { name, source, loading: threads, compute, progress: &|_| {}, lease: None };
    launch.run(&EnginePlan::new(config, 0, settings), settings)
}

impl Launch<'_> {
    /// Loads a decoder, makes its cache, tries it with a few tokens and starts its engine.
    ///
    /// # Errors
    /// If a tensor is missing or malformed, what it computes is not finite, or the system gives no thread.
    pub fn run(self, plan: &EnginePlan, settings: &EngineSettings) -> Result<EngineHandle, LaunchError> {
        let Self { name, source, loading, compute, progress, lease } = self;
        let shape = plan.config.attention.kv_shape(settings.block_size);
        let vocab_size = plan.config.vocab_size;
        let decoder = loading.install(|| Decoder::load_observed(source, plan.config.clone(), progress))?;
        let config = decoder.config();
        let dtype = settings.kv_cache_dtype;
        let max_rows = settings.max_num_batched_tokens;
        let pool = plan.pool(settings);
        let max_context = config.max_positions.min(pool.capacity_in_tokens());
        tracing::info!(
            model = name,
            architecture = config.architecture,
            kernels = Level::best().name(),
            threads = compute.current_num_threads(),
            kv_blocks = plan.cache.num_blocks,
            kv_bytes = plan.cache.total_bytes(),
            kv_tokens = pool.capacity_in_tokens(),
            workspace_bytes = plan.workspace_bytes,
            max_context,
            "engine started"
        );
        let cache = KvTensors::new(shape, dtype, config.num_layers, plan.cache.num_blocks as usize);
        let mut runner = ModelRunner::new(decoder, cache, settings.block_size, max_rows, compute);
        self_test(&mut runner, plan.pool(settings), vocab_size, max_context)?;
        Ok(start(name, Leased { runner, _lease: lease }, pool, settings, max_context)?)
    }
}

/// A runner whose memory is somebody's to count.
struct Leased<R> {
    runner: R,
    /// After the runner, whose memory it stands for: fields are dropped in their order.
    _lease: Option<Lease>,
}

impl<R: StepRunner> StepRunner for Leased<R> {
    fn execute(&mut self, plan: &StepPlan, samplers: &mut Samplers) -> Vec<(SequenceId, Draw)> {
        self.runner.execute(plan, samplers)
    }

    fn adapt(&mut self, id: SequenceId, adapter: Arc<Adapter>) {
        self.runner.adapt(id, adapter);
    }

    fn forget(&mut self, id: SequenceId) {
        self.runner.forget(id);
    }

    fn window(&self) -> Option<usize> {
        self.runner.window()
    }
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
    let stop = Arc::new(AtomicBool::new(false));
    let outlets =
        Outlets { status: status_sender, stats: stats_sender, metrics: metrics.clone(), stop: Arc::clone(&stop) };
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
        stop,
    })
}
