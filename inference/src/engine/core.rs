//! The engine's thread: a loop of steps over everything it owns.
//!
//! It never waits for a client: events go into bounded channels, a client that does not read is cut
//! off when its channel is full, and one that went away is noticed before the next step; the
//! blocks of both are free then.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use tokio::sync::watch;

use crate::model_runner::{Samplers, StepRunner};
use crate::sampling::{Draw, SequenceSampler};
use crate::scheduler::{Progress, Scheduler, Sequence, SequenceId, StepPlan};

use super::active::ActiveRequest;
use super::handle::{Command, Submission};
use super::metrics::{EndingKind, EngineMetrics};
use super::speculation::Speculation;
use super::{EngineError, EngineStats, EngineStatus, TokenEvent};

/// Time since some fixed moment.
pub(super) type Clock = Box<dyn Fn() -> Duration + Send>;

/// What the thread says to the outside.
pub(super) struct Outlets {
    pub status: watch::Sender<EngineStatus>,
    pub stats: watch::Sender<EngineStats>,
    pub metrics: EngineMetrics,
    /// Set from outside where no handle is left to send a command by.
    pub stop: Arc<AtomicBool>,
}

/// Everything the thread owns.
pub(super) struct EngineCore<R> {
    scheduler: Scheduler,
    runner: R,
    active: HashMap<SequenceId, ActiveRequest>,
    samplers: Samplers,
    speculation: Speculation,
    commands: Receiver<Command>,
    outlets: Outlets,
    clock: Clock,
}

/// What the loop does next.
#[derive(PartialEq, Eq)]
enum Flow {
    Continue,
    End,
}

impl<R: StepRunner> EngineCore<R> {
    pub(super) fn new(
        (scheduler, runner): (Scheduler, R),
        max_drafts: usize,
        commands: Receiver<Command>,
        outlets: Outlets,
        clock: Clock,
    ) -> Self {
        let (active, samplers) = (HashMap::new(), Samplers::new());
        let speculation = Speculation::new(max_drafts);
        let core = Self { scheduler, runner, active, samplers, speculation, commands, outlets, clock };
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
        self.outlets.status.send_replace(status);
        let error = if result.is_ok() { EngineError::Stopped } else { EngineError::Failed };
        for (_, request) in self.active.drain() {
            request.end(TokenEvent::Failed(error));
        }
    }

    /// Takes all commands at hand; waits for one when there is nothing to compute.
    fn receive(&mut self) -> Flow {
        loop {
            if self.outlets.stop.load(Ordering::Acquire) {
                return Flow::End;
            }
            let command = if self.scheduler.is_idle() {
                if *self.outlets.status.borrow() == EngineStatus::Draining {
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
                    self.outlets.status.send_replace(EngineStatus::Draining);
                }
                Command::Stop => return Flow::End,
            }
        }
    }

    fn add(&mut self, submission: Submission) {
        let Submission { id, request, events, last, satisfied, place } = submission;
        let prompt_tokens = request.prompt.len();
        let grammar = request.grammar.as_ref().map(crate::sampling::grammar::CompiledGrammar::matcher);
        let wants_prompt = request.sampling.prompt_logprobs.is_some();
        let sampler = SequenceSampler::new(request.sampling, request.stop, &request.prompt, grammar);
        // In front, where no client's words are: what an adapter computes is found by its own requests alone.
        let number = request.adapter.as_ref().map_or(0, |adapter| adapter.number());
        let salt = format!("{number}\0{}", request.cache_salt);
        let sequence = Sequence::new(id, request.prompt).with_priority(request.priority).with_salt(salt.into());
        if let Some(adapter) = request.adapter {
            self.runner.adapt(id, adapter);
        }
        self.scheduler.add(if wants_prompt { sequence.without_cached_prefix() } else { sequence });
        self.samplers.insert(id, sampler);
        let acceptance = self.speculation.acceptance();
        let arrived = (self.clock)();
        self.active
            .insert(id, ActiveRequest::new((events, last, place, satisfied), prompt_tokens, arrived, acceptance));
    }

    /// Ends the sequences whose streams were dropped.
    fn drop_abandoned(&mut self) {
        let gone = self.active.iter().filter(|(_, request)| request.is_abandoned());
        let gone: Vec<_> = gone.map(|(id, request)| (*id, request.abandonment())).collect();
        for (id, ending) in &gone {
            self.end(*id, *ending, None);
        }
        if !gone.is_empty() {
            self.publish(|_| {});
        }
    }

    fn step(&mut self) {
        if self.scheduler.is_idle() {
            return;
        }
        self.suggest_drafts();
        let plan = self.scheduler.schedule();
        // Before any token goes out: whoever has one must find its sequence counted.
        self.publish(|_| {});
        self.announce(&plan);
        let begun = (self.clock)();
        let draws = self.runner.execute(&plan, &mut self.samplers);
        let took = (self.clock)().saturating_sub(begun);
        self.speculation.observe_step(plan.num_tokens(), took);
        let progress: Vec<Progress> = draws.iter().map(|(id, draw)| progress(*id, draw)).collect();
        self.scheduler.complete(&plan, &progress);
        self.count_step(&plan, &draws, took);
        for (id, draw) in draws {
            self.postprocess(id, draw);
        }
    }

    /// Guesses at what follows, where that is likely to pay.
    fn suggest_drafts(&mut self) {
        if !self.speculation.is_on() {
            return;
        }
        let mut num_tokens = self.scheduler.num_running();
        let mut suggestions = Vec::new();
        for (id, tokens) in self.scheduler.decoding() {
            let (Some(request), Some(sampler)) = (self.active.get_mut(&id), self.samplers.get(&id)) else { continue };
            let most = sampler.num_left().saturating_sub(1);
            if most == 0 || !sampler.takes_drafts() {
                continue;
            }
            let count = self.speculation.num_drafts(&mut request.acceptance, num_tokens).min(most);
            if count > 0 {
                let drafts = request.lookup.suggest(tokens, count);
                num_tokens += drafts.len();
                suggestions.push((id, drafts));
            }
        }
        for (id, drafts) in suggestions {
            self.scheduler.suggest(id, drafts);
        }
    }

    fn announce(&mut self, plan: &StepPlan) {
        let now = (self.clock)();
        for (id, cached_tokens) in &plan.started {
            let Some(request) = self.active.get_mut(id) else { continue };
            request.times.started.get_or_insert(now);
            self.outlets.metrics.queue_time.observe(now.saturating_sub(request.times.arrived).as_secs_f64());
            request.send(TokenEvent::Started { cached_tokens: *cached_tokens });
        }
    }

    fn postprocess(&mut self, id: SequenceId, draw: Draw) {
        let now = (self.clock)();
        let Some(request) = self.active.get_mut(&id) else { return };
        let metrics = &self.outlets.metrics;
        match request.note_tokens(draw.tokens.len(), now) {
            None => metrics.count_first_token(now.saturating_sub(request.times.arrived), request.num_tokens().0),
            Some(gap) => {
                // Tokens that come together share the wait.
                let each = gap.as_secs_f64() / draw.tokens.len().max(1) as f64;
                draw.tokens.iter().for_each(|_| metrics.inter_token_latency.observe(each));
            }
        }
        let prompt = self.samplers.get_mut(&id).map(SequenceSampler::take_prompt_logprobs).unwrap_or_default();
        let sent = (prompt.is_empty() || request.send(TokenEvent::Prompt(prompt)))
            && request.send(TokenEvent::Tokens(draw.tokens));
        match draw.finished {
            _ if !sent => self.end(id, EndingKind::Abort, Some(TokenEvent::Failed(EngineError::NotRead))),
            _ if draw.failed => self.end(id, EndingKind::Error, Some(TokenEvent::Failed(EngineError::Grammar))),
            Some(reason) => self.end(id, reason.into(), Some(TokenEvent::Finished(reason))),
            None => {}
        }
    }

    fn end(&mut self, id: SequenceId, ending: EndingKind, last: Option<TokenEvent>) {
        self.scheduler.remove(id);
        self.samplers.remove(&id);
        self.runner.forget(id);
        let Some(request) = self.active.remove(&id) else { return };
        self.outlets.metrics.count_end(ending, request.times, (self.clock)(), request.num_tokens());
        // The blocks are free before anybody learns of the end.
        self.publish(|_| {});
        if let Some(event) = last {
            request.end(event);
        }
    }

    fn count_step(&mut self, plan: &StepPlan, draws: &[(SequenceId, Draw)], took: Duration) {
        let generated: usize = draws.iter().map(|(_, draw)| draw.tokens.len()).sum();
        let accepted: usize = draws.iter().map(|(_, draw)| draw.num_accepted_drafts).sum();
        let drafted: usize = plan.sequences.iter().map(|planned| planned.num_drafts).sum();
        for planned in plan.sequences.iter().filter(|planned| planned.num_drafts > 0) {
            let draw = draws.iter().find(|(id, _)| *id == planned.id);
            if let (Some((_, draw)), Some(request)) = (draw, self.active.get_mut(&planned.id)) {
                self.speculation.learn(&mut request.acceptance, planned.num_drafts, draw.num_accepted_drafts);
            }
        }
        let metrics = &self.outlets.metrics;
        metrics.step_tokens.observe(plan.num_tokens() as f64);
        metrics.step_time.observe(took.as_secs_f64());
        metrics.preemptions.inc_by(plan.preempted.len() as u64);
        metrics.generation_tokens.inc_by(generated as u64);
        metrics.draft_tokens.inc_by(drafted as u64);
        metrics.accepted_tokens.inc_by(accepted as u64);
        self.publish(|stats| {
            stats.steps += 1;
            stats.preemptions += plan.preempted.len() as u64;
            stats.computed_tokens += plan.num_tokens() as u64;
            stats.generated_tokens += generated as u64;
            stats.draft_tokens += drafted as u64;
            stats.accepted_tokens += accepted as u64;
        });
    }

    fn publish(&self, change: impl FnOnce(&mut EngineStats)) {
        let (scheduler, pool) = (&self.scheduler, self.scheduler.pool());
        self.outlets.stats.send_modify(|stats| {
            change(stats);
            stats.running = scheduler.num_running();
            stats.waiting = scheduler.num_waiting();
            stats.free_blocks = pool.num_free();
            stats.total_blocks = pool.num_blocks();
        });
        self.outlets.metrics.observe_scheduler(scheduler);
    }
}

fn progress(id: SequenceId, draw: &Draw) -> Progress {
    let tokens = draw.tokens.iter().map(|sampled| sampled.token).collect();
    Progress { id, num_accepted_drafts: draw.num_accepted_drafts, tokens }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
