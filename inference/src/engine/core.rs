//! The engine's thread: a loop of steps over everything it owns.
//!
//! It never waits for a client: events go into channels with room for all of them, and a client
//! that went away is noticed before the next step, whose blocks then are free.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, TryRecvError};

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};

use crate::model_runner::StepRunner;
use crate::sampling::{SamplingParams, StopCondition, TokenCounts};
use crate::scheduler::{Scheduler, Sequence, SequenceId};

use super::handle::{Command, Submission};
use super::{EngineError, EngineStats, EngineStatus, TokenEvent};

/// A request that the scheduler knows.
struct ActiveRequest {
    sampling: SamplingParams,
    stop: StopCondition,
    counts: TokenCounts,
    num_generated: usize,
    events: mpsc::Sender<TokenEvent>,
    _place: OwnedSemaphorePermit,
}

/// Everything the thread owns.
pub(super) struct EngineCore<R> {
    scheduler: Scheduler,
    runner: R,
    active: HashMap<SequenceId, ActiveRequest>,
    commands: Receiver<Command>,
    status: watch::Sender<EngineStatus>,
    stats: watch::Sender<EngineStats>,
}

/// What the loop does next.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    End,
}

impl<R: StepRunner> EngineCore<R> {
    pub(super) fn new(
        scheduler: Scheduler,
        runner: R,
        commands: Receiver<Command>,
        status: watch::Sender<EngineStatus>,
        stats: watch::Sender<EngineStats>,
    ) -> Self {
        let core = Self { scheduler, runner, active: HashMap::new(), commands, status, stats };
        core.publish(|_| {});
        core
    }

    /// Runs until told to end, or until nobody can reach it any more. A panic below becomes a
    /// failure of every request and of the engine, never a hang.
    pub(super) fn run(mut self) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            while self.receive() == Flow::Continue {
                self.drop_abandoned();
                self.step();
            }
        }));
        let status = if result.is_ok() { EngineStatus::Stopped } else { EngineStatus::Failed };
        if result.is_err() {
            tracing::error!("the engine's thread panicked; its model is out of service");
        }
        // The status first: whoever sees a request fail must not find the engine still ready.
        self.status.send_replace(status);
        let error = if result.is_ok() { EngineError::Stopped } else { EngineError::Failed };
        for (_, request) in self.active.drain() {
            let _ = request.events.try_send(TokenEvent::Failed(error));
        }
    }

    /// Takes all commands at hand; waits for one when there is nothing to compute.
    fn receive(&mut self) -> Flow {
        loop {
            let command = if self.scheduler.is_idle() {
                if *self.status.borrow() == EngineStatus::Draining {
                    return Flow::End;
                }
                match self.commands.recv() {
                    Ok(command) => command,
                    Err(_) => return Flow::End,
                }
            } else {
                match self.commands.try_recv() {
                    Ok(command) => command,
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Flow::Continue,
                }
            };
            match command {
                Command::Submit(submission) => self.add(*submission),
                Command::Drain => {
                    self.status.send_replace(EngineStatus::Draining);
                }
                Command::Stop => return Flow::End,
            }
        }
    }

    fn add(&mut self, submission: Submission) {
        let Submission { id, request, events, place } = submission;
        let counts = TokenCounts::new(&request.sampling, &request.prompt);
        self.scheduler.add(Sequence::new(id, request.prompt));
        let active = ActiveRequest {
            sampling: request.sampling,
            stop: request.stop,
            counts,
            num_generated: 0,
            events,
            _place: place,
        };
        self.active.insert(id, active);
    }

    /// Ends the sequences whose streams were dropped.
    fn drop_abandoned(&mut self) {
        let abandoned: Vec<_> =
            self.active.iter().filter(|(_, request)| request.events.is_closed()).map(|(id, _)| *id).collect();
        for id in &abandoned {
            self.end(*id);
        }
        if !abandoned.is_empty() {
            self.publish(|_| {});
        }
    }

    fn step(&mut self) {
        if self.scheduler.is_idle() {
            return;
        }
        let plan = self.scheduler.schedule();
        // Before any token goes out: whoever has one must find its sequence counted.
        self.publish(|_| {});
        let active = &self.active;
        let draws = |id: SequenceId| active.get(&id).map(|request| (&request.sampling, &request.counts));
        let sampled = self.runner.execute(&plan, &draws);
        self.scheduler.complete(&plan, &sampled);
        for (id, token) in &sampled {
            self.postprocess(*id, *token);
        }
        self.publish(|stats| {
            stats.steps += 1;
            stats.preemptions += plan.preempted.len() as u64;
            stats.computed_tokens += plan.num_tokens() as u64;
            stats.generated_tokens += sampled.len() as u64;
        });
    }

    fn postprocess(&mut self, id: SequenceId, token: u32) {
        let Some(request) = self.active.get_mut(&id) else { return };
        request.num_generated += 1;
        request.counts.add(token);
        // A closed channel is found by `drop_abandoned`; a full one cannot be.
        let _ = request.events.try_send(TokenEvent::Token(token));
        if let Some(reason) = request.stop.check(token, request.num_generated) {
            let _ = request.events.try_send(TokenEvent::Finished(reason));
            self.end(id);
        }
    }

    fn end(&mut self, id: SequenceId) {
        self.scheduler.remove(id);
        self.active.remove(&id);
    }

    fn publish(&self, change: impl FnOnce(&mut EngineStats)) {
        self.stats.send_modify(|stats| {
            change(stats);
            stats.running = self.scheduler.num_running();
            stats.waiting = self.scheduler.num_waiting();
            stats.free_blocks = self.scheduler.pool().num_free();
            stats.total_blocks = self.scheduler.pool().num_blocks();
        });
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
