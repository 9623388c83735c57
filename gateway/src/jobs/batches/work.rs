//! One batch, from its order to its files.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shekara_protocol::error::ApiError;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::ask::Ask;
use super::batch::{Batch, Counts, LineError, Status, Used};
use super::line::{Line, Lines, check};
use super::output::{self, LineResult, Unanswered};
use super::progress;
use crate::content::Owner;
use crate::pipeline::{FileReader, Gateway, file_record, minute_of_day};

/// How often it is looked whether a batch is to go on.
const LOOK_EVERY: Duration = Duration::from_secs(1);
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
enum Stop {
    /// There are none.
    Done,
    Cancelled,
    Expired,
    /// The process ends; the next one goes on.
    Draining,
    /// The batch was erased.
    Gone,
}

/// What came of the lines so far.
#[derive(Debug, Default)]
struct Tally {
    counts: Counts,
    used: Used,
}

impl Tally {
    fn note(&mut self, result: &LineResult) {
        let count = if result.is_error { &mut self.counts.failed } else { &mut self.counts.completed };
        *count += 1;
        self.used = self.used.with(result.used);
    }
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
        let (batch, stop) = match batch.status {
            Status::Finalizing => (batch, Stop::Done),
            status if status.is_final() => return Ok(()),
            _ => {
                let stop = self.answered(&batch, is_resumed).await?;
                let finalizing = |batch: &mut Batch| {
                    if stop == Stop::Done && batch.status == Status::InProgress {
                        (batch.status, batch.times.finalizing) = (Status::Finalizing, Some(self.now()));
                    }
                };
                if matches!(stop, Stop::Draining | Stop::Gone) {
                    return Ok(());
                }
                let Some(batch) = self.update(&batch.id, finalizing).await? else { return Ok(()) };
                (batch, stop)
            }
        };
        self.finished(&batch, stop).await
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
            Err(error) if error.status == http::StatusCode::NOT_FOUND => {
                self.fail(&batch.id, vec![input_gone()]).await?;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn fail(&self, id: &str, errors: Vec<LineError>) -> Result<Option<Batch>, ApiError> {
        let now = self.now();
        let change = |batch: &mut Batch| {
            (batch.status, batch.times.ended, batch.errors) = (Status::Failed, Some(now), errors);
        };
        self.update(id, change).await
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
            Err(error) if error.status == http::StatusCode::NOT_FOUND => {
                return self.fail(&batch.id, vec![input_gone()]).await;
            }
            Err(error) => return Err(error),
        };
        if !checked.errors.is_empty() {
            return self.fail(&batch.id, checked.errors).await;
        }
        let now = self.now();
        let begin = |batch: &mut Batch| {
            (batch.model, batch.counts.total) = (checked.model, checked.num_lines);
            if batch.status == Status::Validating {
                (batch.status, batch.times.in_progress) = (Status::InProgress, Some(now));
            }
        };
        self.update(&batch.id, begin).await
    }

    /// Has all lines answered that are not yet, until something stops it. What is under way then is waited for.
    async fn answered(&self, batch: &Batch, is_resumed: bool) -> Result<Stop, ApiError> {
        let Some(mut lines) = self.lines(batch).await? else { return Ok(Stop::Gone) };
        let mut under_way = JoinSet::new();
        let halt = CancellationToken::new();
        let own = Arc::new(batch.clone());
        let mut tally =
            Tally { counts: Counts { total: batch.counts.total, ..Counts::default() }, used: Used::default() };
        let mut told = Instant::now();
        let stop = loop {
            while let Some(ended) = under_way.try_join_next() {
                note(&mut tally, ended)?;
            }
            if told.elapsed() >= LOOK_EVERY {
                told = Instant::now();
                self.tell(&batch.id, &tally).await?;
            }
            let Some(raw) = lines.next().await? else { break Stop::Done };
            if is_resumed
                && let Some(result) = LineResult::load(&self.gateway, &self.owner, &batch.id, raw.index).await?
            {
                tally.note(&result);
                continue;
            }
            // It was read before.
            let line = raw.parse(&batch.endpoint).map_err(|_| ApiError::internal())?;
            let place = async {
                while self.is_cheaper_later(batch, &line) {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Arc::clone(&self.places).acquire_owned().await
            };
            let place = match self.unless_stopped(&batch.id, place).await? {
                Ok(place) => place.map_err(|_| ApiError::internal())?,
                Err(stop) => break stop,
            };
            // It may have waited for long.
            if let Some(stop) = self.stop(&batch.id).await? {
                break stop;
            }
            let ask = Ask {
                gateway: Arc::clone(&self.gateway),
                owner: self.owner.clone(),
                batch: Arc::clone(&own),
                places: Arc::clone(&self.places),
                stop: halt.clone(),
            };
            under_way.spawn(ask.answered(line, place));
        };
        let mut stop = stop;
        loop {
            if stop != Stop::Done {
                halt.cancel();
            }
            if stop == Stop::Gone {
                return Ok(stop);
            }
            let ended = match stop {
                Stop::Done => match self.unless_stopped(&batch.id, under_way.join_next()).await? {
                    Ok(ended) => ended,
                    Err(later) => {
                        stop = later;
                        continue;
                    }
                },
                _ => under_way.join_next().await,
            };
            let Some(ended) = ended else { break };
            note(&mut tally, ended)?;
        }
        self.tell(&batch.id, &tally).await?;
        Ok(stop)
    }

    /// Whether the batch is to stop, and why.
    async fn stop(&self, id: &str) -> Result<Option<Stop>, ApiError> {
        let Some(batch) = progress::load(&self.gateway, &self.owner, id).await? else { return Ok(Some(Stop::Gone)) };
        Ok(match batch.status {
            Status::Cancelling => Some(Stop::Cancelled),
            _ if self.gateway.drain.is_draining() => Some(Stop::Draining),
            _ if self.now() >= batch.times.expires => Some(Stop::Expired),
            _ => None,
        })
    }

    /// Waits for something as long as the batch is to go on.
    async fn unless_stopped<T>(&self, id: &str, wanted: impl Future<Output = T>) -> Result<Result<T, Stop>, ApiError> {
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
    fn is_cheaper_later(&self, batch: &Batch, line: &Line) -> bool {
        let snapshot = self.gateway.snapshot();
        let minute = minute_of_day(&snapshot, self.gateway.sources.now());
        let wait = snapshot.table.resolve(&line.model).and_then(|route| route.cheaper_in(minute));
        let half = batch.times.created.midpoint(batch.times.expires);
        wait.is_some_and(|minutes| self.now() + u64::from(minutes) * 60 <= half)
    }

    /// Anybody who asks sees how far it has come.
    async fn tell(&self, id: &str, tally: &Tally) -> Result<(), ApiError> {
        let change = |batch: &mut Batch| (batch.counts, batch.used) = (tally.counts, tally.used);
        self.update(id, change).await.map(|_| ())
    }

    async fn finished(&self, batch: &Batch, stop: Stop) -> Result<(), ApiError> {
        let (status, unanswered) = match stop {
            Stop::Expired => (Status::Expired, EXPIRED),
            Stop::Cancelled => (Status::Cancelled, CANCELLED),
            Stop::Done | Stop::Draining | Stop::Gone => (Status::Completed, LOST),
        };
        let Some(lines) = self.lines(batch).await? else { return Ok(()) };
        let written = output::write(&self.gateway, &self.owner, batch, (lines, unanswered)).await?;
        let now = self.now();
        let end = |batch: &mut Batch| {
            (batch.status, batch.times.ended) = (status, Some(now));
            (batch.output_file_id, batch.error_file_id) = (written.output_file_id, written.error_file_id);
            (batch.counts, batch.used) = (written.counts, written.used);
        };
        if let Some(batch) = self.update(&batch.id, end).await? {
            output::forget_lines(&self.gateway, &self.owner, &batch).await;
        }
        Ok(())
    }
}

fn note(
    tally: &mut Tally,
    ended: Result<Result<Option<LineResult>, ApiError>, tokio::task::JoinError>,
) -> Result<(), ApiError> {
    // One that panicked has no answer; the others go on.
    let Ok(ended) = ended else { return Ok(()) };
    if let Some(result) = ended? {
        tally.note(&result);
    }
    Ok(())
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
