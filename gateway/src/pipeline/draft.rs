//! What is known of a request until it ends: its record as it grows, and what answers' headers say beside it.

use crate::audit::{AuditRecord, Outcome, Try, TryResult};
use crate::billing::{Factor, Usage, UsageSource};
use crate::config::LOCAL_PROVIDER;
use crate::limits::{Crossing, Standing};

/// What is known of a request so far.
#[derive(Debug, Clone)]
pub struct Draft {
    pub record: AuditRecord,
    /// What the route's cache had to do with it (`x-shekara-cache`).
    pub cache: Option<&'static str>,
    /// Nothing was used for the answer: it was kept from an earlier one.
    pub(super) is_kept: bool,
    /// Its headers went out before it was known who answers.
    pub is_late: bool,
    /// Its route is one of the configuration's or a local model's.
    pub is_named: bool,
    /// The call that gives the answer.
    pub(super) answering: Option<usize>,
    /// What the price of each call is multiplied by.
    pub(super) factors: Vec<Factor>,
    /// How long the prompt is, as far as that can be told without its model.
    pub(super) prompt_estimate: Option<u64>,
    /// What is left of the tightest limits.
    pub standing: Standing,
    /// A threshold of a budget that this request has reached, e.g. `month 80%`.
    pub budget: Option<String>,
}

impl Draft {
    pub(super) fn new(record: AuditRecord) -> Self {
        Self {
            record,
            cache: None,
            is_kept: false,
            is_late: false,
            is_named: false,
            answering: None,
            factors: Vec::new(),
            prompt_estimate: None,
            standing: Standing::default(),
            budget: None,
        }
    }

    /// The record is about this call.
    pub(super) fn shows(&mut self, at: usize) {
        let Some(attempt) = self.record.tries.get(at).cloned() else { return };
        self.record.reason = Some(attempt.reason);
        self.record.provider = Some(attempt.provider);
        self.record.model = Some(attempt.model);
        self.record.zone = Some(attempt.zone);
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        let result = match outcome {
            Outcome::Dispatched => return,
            Outcome::Completed => TryResult::Answered,
            Outcome::Failed => TryResult::Interrupted,
            Outcome::Aborted => TryResult::Aborted,
        };
        for attempt in self.record.tries.iter_mut().filter(|attempt| attempt.result == TryResult::Open) {
            attempt.result = result;
        }
    }

    pub(super) fn note_crossings(&mut self, crossings: &[Crossing]) {
        if let Some(Crossing { period, percent, .. }) = crossings.last() {
            self.budget = Some(format!("{} {percent}%", period.as_str()));
        }
    }

    /// What was used by whoever gives the answer.
    pub(super) fn uses(&mut self, usage: Usage, source: UsageSource) {
        let answering = self.answering.and_then(|at| self.record.tries.get_mut(at));
        if let Some(attempt) = answering {
            (attempt.usage, attempt.usage_source) = (Some(usage), Some(source));
        }
    }

    /// What the engine in this process is doing ends with the process.
    pub(super) fn forget_engine(&mut self) {
        let is_engines = |attempt: &&mut Try| attempt.result == TryResult::Open && attempt.provider == LOCAL_PROVIDER;
        for attempt in self.record.tries.iter_mut().filter(is_engines) {
            (attempt.usage, attempt.usage_source) = (None, None);
        }
    }

    /// Calls whose end nobody heard were worked on all the same: at least the prompt was read.
    pub(super) fn estimate(&mut self) {
        let Some(prompt_tokens) = self.prompt_estimate else { return };
        let was_worked_on = |attempt: &&mut Try| {
            let result = attempt.result;
            attempt.usage.is_none()
                && matches!(
                    result,
                    TryResult::Open
                        | TryResult::Interrupted
                        | TryResult::Aborted
                        | TryResult::Overtaken
                        | TryResult::Timeout
                )
        };
        for attempt in self.record.tries.iter_mut().filter(was_worked_on) {
            attempt.usage = Some(Usage { prompt_tokens: Some(prompt_tokens), ..Usage::default() });
            attempt.usage_source = Some(UsageSource::Estimated);
        }
    }
}
