//! The thread of a model that reads whole sequences, and the way into it.
//!
//! Requests wait in a queue bounded by their tokens. A step takes sequences from all of them in turns, as many as fit
//! the token budget, so that a short request does not wait behind a long one; a sequence longer than the budget has a
//! step of its own. What a sequence becomes does not depend on its company.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use crate::models::encoder::{PackedBatch, SequenceConfig, SequenceModel};
use crate::weights::WeightSource;

use super::model_queue::ModelQueue;
use super::{EngineError, EngineMonitor, EngineSettings, EngineStats, EngineStatus, LaunchError, Lease, SubmitError};

/// Tokens that wait and run at once; one request may have as many by itself.
const MAX_QUEUED_TOKENS: usize = 1 << 20;
const STACK_BYTES: usize = 64 << 20;
/// Tokens that a model is tried with before it is served.
const TRIED_TOKENS: usize = 8;

/// One sequence to be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SequenceInput {
    pub tokens: Vec<u32>,
    /// Which part of a pair each token belongs to; empty where all are of the first.
    pub token_types: Vec<u32>,
}

/// What becomes of the sequences of a request, in their order.
pub type SequenceOutputs = Vec<Vec<f32>>;

enum Command {
    Read(Job),
    Stop,
}

/// A request of which some sequences have been read.
struct Job {
    inputs: Vec<SequenceInput>,
    outputs: SequenceOutputs,
    reply: oneshot::Sender<SequenceOutputs>,
    /// The request's share of the queue, given back when it ends.
    _share: OwnedSemaphorePermit,
}

/// A cheap copy of the way into one model's thread.
#[derive(Clone)]
pub struct ReaderHandle {
    commands: mpsc::Sender<Command>,
    queue: ModelQueue,
    max_tokens: usize,
}

impl ReaderHandle {
    /// Queues sequences that belong together; dropping what waits for them takes back those that are not read yet.
    ///
    /// # Errors
    /// If one is empty or too long, the queue is full, or the model is on its way out.
    pub fn submit(&self, inputs: Vec<SequenceInput>) -> Result<PendingOutputs, SubmitError> {
        self.queue.check_open()?;
        let mut total = 0;
        for input in &inputs {
            let num_tokens = input.tokens.len();
            if num_tokens == 0 {
                return Err(SubmitError::EmptyPrompt);
            }
            if num_tokens > self.max_tokens {
                return Err(SubmitError::TooLong { num_tokens, max_context: self.max_tokens });
            }
            total += num_tokens;
        }
        let share = self.queue.take(u32::try_from(total).unwrap_or(u32::MAX))?;
        let (reply, outputs) = oneshot::channel();
        let job = Job { outputs: Vec::with_capacity(inputs.len()), inputs, reply, _share: share };
        self.commands.send(Command::Read(job)).map_err(|_| self.queue.gone())?;
        Ok(PendingOutputs { outputs, status: self.queue.monitor().status })
    }

    /// Longest sequence in tokens.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Tokens that one request may have in all.
    pub fn max_request_tokens(&self) -> usize {
        MAX_QUEUED_TOKENS
    }

    pub fn status(&self) -> EngineStatus {
        self.queue.status()
    }

    /// Requests that are being read.
    pub fn stats(&self) -> EngineStats {
        self.queue.stats()
    }

    /// Tokens of all requests that wait or are being read.
    pub fn num_in_flight(&self) -> usize {
        self.queue.taken()
    }

    /// Sees the model to its end without keeping it from it.
    pub fn monitor(&self) -> EngineMonitor {
        self.queue.monitor()
    }

    /// Takes no more requests, lets the running ones finish for `grace`, then ends them.
    pub async fn shutdown(&self, grace: Duration) {
        // A failed send means that the thread has ended already.
        let stop = || _ = self.commands.send(Command::Stop);
        self.queue.shut_down(grace, stop).await;
    }
}

pub(super) fn has_ended(status: EngineStatus) -> bool {
    matches!(status, EngineStatus::Stopped | EngineStatus::Failed)
}

/// What a request waits for.
pub struct PendingOutputs {
    outputs: oneshot::Receiver<SequenceOutputs>,
    status: watch::Receiver<EngineStatus>,
}

impl PendingOutputs {
    /// # Errors
    /// If the model failed or was stopped before it had read everything.
    pub async fn finish(mut self) -> Result<SequenceOutputs, EngineError> {
        if let Ok(outputs) = self.outputs.await {
            return Ok(outputs);
        }
        // The thread is about to say how it ended.
        match self.status.wait_for(|status| has_ended(*status)).await.map(|status| *status) {
            Ok(EngineStatus::Stopped) => Err(EngineError::Stopped),
            _ => Err(EngineError::Failed),
        }
    }
}

/// What a model that reads sequences is loaded with and from.
pub struct ReaderLaunch<'a> {
    /// For logs and the thread.
    pub name: &'a str,
    pub config: &'a SequenceConfig,
    /// The two tokens of a model that chooses between them.
    pub choice: Option<[u32; 2]>,
    pub source: &'a dyn WeightSource,
    /// Reads and packs; apart from `compute`, so that loading holds up nobody's answer.
    pub loading: &'a rayon::ThreadPool,
    pub compute: Arc<rayon::ThreadPool>,
    pub lease: Option<Lease>,
}

impl ReaderLaunch<'_> {
    /// Loads the model, tries it with a few tokens and starts its thread.
    ///
    /// # Errors
    /// If a tensor is missing or malformed, what it computes is not finite, or the system gives no thread.
    pub fn run(self, settings: &EngineSettings) -> Result<ReaderHandle, LaunchError> {
        let Self { name, config, choice, source, loading, compute, lease } = self;
        let mut model = loading.install(|| SequenceModel::load(source, config, choice))?;
        let max_tokens = config.max_positions.min(settings.max_context.unwrap_or(usize::MAX)).min(MAX_QUEUED_TOKENS);
        let mut batch = PackedBatch::default();
        let tried: Vec<u32> = (1..=max_tokens.min(TRIED_TOKENS) as u32).collect();
        batch.push(&tried.iter().map(|token| token % config.vocab_size().max(1) as u32).collect::<Vec<_>>(), &[]);
        let outputs = loading.install(|| model.forward(&batch));
        if outputs.iter().flatten().any(|value| !value.is_finite()) {
            return Err(LaunchError::SelfTest { reason: "the model computes values that are not finite" });
        }
        tracing::info!(model = name, architecture = config.architecture(), max_tokens, "reader started");
        let mut model = Leased { model, _lease: lease };
        let read = move |batch: &PackedBatch| compute.install(|| model.forward(batch));
        Ok(start_reader(name, read, settings.max_num_batched_tokens, max_tokens)?)
    }
}

/// A model whose memory is somebody's to count.
struct Leased {
    model: SequenceModel,
    /// After the model, whose memory it stands for: fields are dropped in their order.
    _lease: Option<Lease>,
}

impl Leased {
    fn forward(&mut self, batch: &PackedBatch) -> SequenceOutputs {
        self.model.forward(batch)
    }
}

/// Starts a thread around anything that can read batches.
fn start_reader(
    name: &str,
    read: impl FnMut(&PackedBatch) -> SequenceOutputs + Send + 'static,
    max_batched_tokens: usize,
    max_tokens: usize,
) -> std::io::Result<ReaderHandle> {
    let (commands, receiver) = mpsc::channel();
    let (status_sender, status) = watch::channel(EngineStatus::Ready);
    let (stats_sender, stats) = watch::channel(EngineStats::default());
    let stop = Arc::new(AtomicBool::new(false));
    let queue = ModelQueue::new(MAX_QUEUED_TOKENS, EngineMonitor { status, stats, stop: Arc::clone(&stop) });
    let core =
        ReaderCore { read, max_batched_tokens, jobs: VecDeque::new(), commands: receiver, stats: stats_sender, stop };
    std::thread::Builder::new().name(format!("reader-{name}")).stack_size(STACK_BYTES).spawn(move || {
        let ended = catch_unwind(AssertUnwindSafe(|| core.run()));
        let last = if ended.is_ok() { EngineStatus::Stopped } else { EngineStatus::Failed };
        let _ = status_sender.send(last);
    })?;
    Ok(ReaderHandle { commands, queue, max_tokens })
}

struct ReaderCore<F> {
    read: F,
    max_batched_tokens: usize,
    jobs: VecDeque<Job>,
    commands: mpsc::Receiver<Command>,
    stats: watch::Sender<EngineStats>,
    stop: Arc<AtomicBool>,
}

impl<F: FnMut(&PackedBatch) -> SequenceOutputs> ReaderCore<F> {
    fn run(mut self) {
        loop {
            if self.jobs.is_empty() {
                match self.commands.recv() {
                    Ok(Command::Read(job)) => self.jobs.push_back(job),
                    Ok(Command::Stop) | Err(_) => return,
                }
            }
            loop {
                match self.commands.try_recv() {
                    Ok(Command::Read(job)) => self.jobs.push_back(job),
                    Ok(Command::Stop) => return,
                    Err(_) => break,
                }
            }
            if self.stop.load(Ordering::Acquire) {
                return;
            }
            self.publish();
            self.step();
            self.publish();
        }
    }

    fn publish(&self) {
        self.stats.send_replace(EngineStats { running: self.jobs.len(), ..EngineStats::default() });
    }

    /// Reads one batch: a sequence of each request in turns, until the budget is spent.
    fn step(&mut self) {
        self.jobs.retain(|job| !job.reply.is_closed());
        let mut batch = PackedBatch::default();
        let mut taken = vec![0; self.jobs.len()];
        let mut owners = Vec::new();
        'full: loop {
            let before = owners.len();
            for (index, job) in self.jobs.iter().enumerate() {
                let Some(input) = job.inputs.get(job.outputs.len() + taken[index]) else { continue };
                if !owners.is_empty() && batch.tokens.len() + input.tokens.len() > self.max_batched_tokens {
                    break 'full;
                }
                batch.push(&input.tokens, &input.token_types);
                taken[index] += 1;
                owners.push(index);
            }
            if owners.len() == before {
                break;
            }
        }
        if owners.is_empty() {
            // A request without sequences is done.
            self.finish();
            return;
        }
        for (owner, output) in owners.into_iter().zip((self.read)(&batch)) {
            self.jobs[owner].outputs.push(output);
        }
        self.finish();
        // Whoever was served first is served last in the next step.
        self.jobs.rotate_left(usize::from(!self.jobs.is_empty()));
    }

    fn finish(&mut self) {
        let (done, rest) = self.jobs.drain(..).partition(|job| job.outputs.len() == job.inputs.len());
        self.jobs = rest;
        for job in done {
            let job: Job = job;
            // A client that has gone needs no answer.
            let _ = job.reply.send(job.outputs);
        }
    }
}

#[cfg(test)]
#[path = "sequence_reader_tests.rs"]
mod tests;
