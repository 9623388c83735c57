//! One batch, from its order to its files.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use shekara_protocol::error::ApiError;
use tokio::sync::Semaphore;

use super::batch::{Batch, LineError, Status};
use super::feed::Feed;
use super::line::{Line, Lines, check};
use super::output::{self, Unanswered};
use super::progress;
use crate::content::Owner;
use crate::pipeline::{FileReader, Gateway, delete_file, file_record, minute_of_day};

/// How often it is looked whether a batch is to go on.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);
/// After which something that failed in the store is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(10);

pub(super) struct Work {
    pub gateway: Arc<Gateway>,
    pub owner: Owner,
    /// For requests of all batches.
    pub places: Arc<Semaphore>,
}

/// Why no more lines are begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// There are none.
    Done,
    Cancelled,
    Expired,
    /// The process ends; the next one goes on.
    Draining,
    /// The batch was erased, or has failed.
    Gone,
}

impl Work {
    /// Works until the batch has ended, or the process is about to.
    pub async fn done(self, batch: Batch) {
        let id = batch.id.clone();
        if let Err(error) = self.go(batch).await {
            tracing::error!(batch = id, code = error.code.as_deref(), "a batch cannot go on; tried again");
            tokio::time::sleep(TRY_AGAIN).await;
        }
    }

    async fn go(&self, batch: Batch) -> Result<(), ApiError> {
        let is_resumed = batch.status != Status::Validating;
        let Some(batch) = self.validated(batch).await? else { return Ok(()) };
        if batch.status.is_final() {
            return Ok(());
        }
        if batch.status == Status::Finalizing {
            return self.finished(&batch, Stop::Done).await;
        }
        let Some(lines) = self.lines(&batch).await? else { return Ok(()) };
        let stop = Feed::new(self, &batch, lines, is_resumed).run().await?;
        if matches!(stop, Stop::Draining | Stop::Gone) {
            return Ok(());
        }
        let finalizing = |batch: &mut Batch| {
            if stop == Stop::Done && batch.status == Status::InProgress {
                (batch.status, batch.times.finalizing) = (Status::Finalizing, Some(self.now()));
            }
        };
        match self.update(&batch.id, finalizing).await? {
            Some(batch) => self.finished(&batch, stop).await,
            None => Ok(()),
        }
    }

    fn now(&self) -> u64 {
        self.gateway.now_ms() / 1_000
    }

    async fn update(&self, id: &str, change: impl FnOnce(&mut Batch)) -> Result<Option<Batch>, ApiError> {
        progress::update(&self.gateway, &self.owner, id, change).await
    }

    /// The input's lines; where the input is gone the batch fails.
    async fn lines(&self, batch: &Batch) -> Result<Option<Lines>, ApiError> {
        match file_record(&self.gateway, &self.owner, &batch.input_file_id).await {
            Ok(record) => {
                let reader = FileReader::new(&self.gateway, self.owner.clone(), record);
                Ok(Some(Lines::new(reader, self.gateway.snapshot().config.max_body_bytes)))
            }
            Err(error) if error.status == StatusCode::NOT_FOUND => {
                self.fail(batch, vec![input_gone()]).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn fail(&self, batch: &Batch, errors: Vec<LineError>) -> Result<Option<Batch>, ApiError> {
        let now = self.now();
        let change = |batch: &mut Batch| {
            (batch.status, batch.times.ended, batch.errors) = (Status::Failed, Some(now), errors);
        };
        let failed = self.update(&batch.id, change).await?;
        output::forget_lines(&self.gateway, &self.owner, batch).await;
        Ok(failed)
    }

    /// With its lines counted and in progress, unless it was that already.
    async fn validated(&self, batch: Batch) -> Result<Option<Batch>, ApiError> {
        if batch.status != Status::Validating {
            return Ok(Some(batch));
        }
        let Some(lines) = self.lines(&batch).await? else { return Ok(None) };
        let max_requests = self.gateway.snapshot().config.batches.max_requests;
        let checked = match check(lines, &batch.endpoint, max_requests).await {
            Ok(checked) => checked,
            Err(error) if error.status == StatusCode::NOT_FOUND => {
                return self.fail(&batch, vec![input_gone()]).await;
            }
            Err(error) => return Err(error),
        };
        let now = self.now();
        let begin = |batch: &mut Batch| {
            if batch.status != Status::Validating {
                return;
            }
            if checked.errors.is_empty() {
                (batch.model, batch.counts.total) = (checked.model, checked.num_lines);
                (batch.status, batch.times.in_progress) = (Status::InProgress, Some(now));
            } else {
                (batch.status, batch.times.ended, batch.errors) = (Status::Failed, Some(now), checked.errors);
            }
        };
        self.update(&batch.id, begin).await
    }

    /// Whether the batch is to stop, and why.
    pub(super) async fn stop(&self, id: &str) -> Result<Option<Stop>, ApiError> {
        let Some(batch) = progress::load(&self.gateway, &self.owner, id).await? else { return Ok(Some(Stop::Gone)) };
        Ok(match batch.status {
            Status::Cancelling => Some(Stop::Cancelled),
            status if status.is_final() => Some(Stop::Gone),
            _ if self.gateway.drain.is_draining() => Some(Stop::Draining),
            _ if self.now() >= batch.times.expires => Some(Stop::Expired),
            _ => None,
        })
    }

    /// Waits for something as long as the batch is to go on.
    pub(super) async fn unless_stopped<T>(
        &self,
        id: &str,
        wanted: impl Future<Output = T>,
    ) -> Result<Result<T, Stop>, ApiError> {
        let mut wanted = std::pin::pin!(wanted);
        let mut changes = self.gateway.jobs.changes();
        loop {
            tokio::select! {
                value = &mut wanted => return Ok(Ok(value)),
                _ = changes.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Some(stop) = self.stop(id).await? {
                return Ok(Err(stop));
            }
        }
    }

    /// Whether a line had better wait for a target's cheap hours: if they begin while half of the batch's time is left.
    pub(super) fn is_cheaper_later(&self, batch: &Batch, line: &Line) -> bool {
        let snapshot = self.gateway.snapshot();
        let minute = minute_of_day(&snapshot, self.gateway.sources.now());
        let wait = snapshot.table.resolve(&line.model).and_then(|route| route.cheaper_in(minute));
        let half = batch.times.created.midpoint(batch.times.expires);
        wait.is_some_and(|minutes| self.now() + u64::from(minutes) * 60 <= half)
    }

    async fn finished(&self, batch: &Batch, stop: Stop) -> Result<(), ApiError> {
        let (status, unanswered) = match stop {
            Stop::Expired => (Status::Expired, EXPIRED),
            Stop::Cancelled => (Status::Cancelled, CANCELLED),
            Stop::Done | Stop::Draining | Stop::Gone => (Status::Completed, LOST),
        };
        let Some(lines) = self.lines(batch).await? else { return Ok(()) };
        let written = output::write(&self.gateway, &self.owner, batch, (lines, unanswered)).await?;
        let (now, files) = (self.now(), [written.output_file_id.clone(), written.error_file_id.clone()]);
        let end = |batch: &mut Batch| {
            (batch.status, batch.times.ended) = (status, Some(now));
            (batch.output_file_id, batch.error_file_id) = (written.output_file_id, written.error_file_id);
            (batch.counts, batch.used) = (written.counts, written.used);
        };
        match self.update(&batch.id, end).await? {
            Some(batch) => output::forget_lines(&self.gateway, &self.owner, &batch).await,
            // Erased while it was written.
            None => {
                for id in files.iter().flatten() {
                    let _ = delete_file(&self.gateway, &self.owner, id).await;
                }
            }
        }
        Ok(())
    }
}

const EXPIRED: Unanswered = Unanswered {
    code: "batch_expired",
    message: "This request could not be executed before the completion window expired.",
};
const CANCELLED: Unanswered =
    Unanswered { code: "batch_cancelled", message: "The batch was cancelled before this request was executed." };
const LOST: Unanswered = Unanswered { code: "internal_error", message: "What came of this request was lost." };

fn input_gone() -> LineError {
    LineError {
        code: "input_file_deleted".to_owned(),
        message: "The input file was deleted, or has expired.".to_owned(),
        param: Some("input_file_id".to_owned()),
        line: None,
    }
}
