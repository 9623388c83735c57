//! The lines of one batch on their way through the pipeline: a bounded number of them at once.

use std::sync::Arc;
use std::time::Instant;

use shekara_protocol::error::ApiError;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::ask::Ask;
use super::batch::{Batch, Counts, Used};
use super::line::{Line, Lines};
use super::output::LineResult;
use super::progress;
use super::work::{LOOK_EVERY, Stop, Work};

pub(super) struct Feed<'w> {
    work: &'w Work,
    batch: Arc<Batch>,
    lines: Lines,
    /// Some lines may be answered already.
    is_resumed: bool,
    under_way: JoinSet<Option<LineResult>>,
    /// Nothing more is begun.
    halt: CancellationToken,
    counts: Counts,
    used: Used,
    told: Instant,
}

impl<'w> Feed<'w> {
    pub fn new(work: &'w Work, batch: &Batch, lines: Lines, is_resumed: bool) -> Self {
        Self {
            work,
            batch: Arc::new(batch.clone()),
            lines,
            is_resumed,
            under_way: JoinSet::new(),
            halt: CancellationToken::new(),
            counts: Counts { total: batch.counts.total, ..Counts::default() },
            used: Used::default(),
            told: Instant::now(),
        }
    }

    /// Has all lines answered that are not yet, until something stops it. What is under way then is waited for, whatever
    /// happened: it would be paid for twice.
    ///
    /// # Errors
    /// The input cannot be read, or the store not asked.
    pub async fn run(mut self) -> Result<Stop, ApiError> {
        let stop = match self.begin_all().await {
            Ok(Stop::Done) => self.wait_for(0).await.map(|stop| stop.unwrap_or(Stop::Done)),
            other => other,
        };
        if let Ok(Stop::Gone) = stop {
            return stop;
        }
        self.halt.cancel();
        while let Some(ended) = self.under_way.join_next().await {
            self.note(ended);
        }
        self.tell().await?;
        stop
    }

    async fn begin_all(&mut self) -> Result<Stop, ApiError> {
        let most = self.work.gateway.snapshot().config.batches.max_in_flight;
        // It may have been stopped before it began.
        if let Some(stop) = self.work.stop(&self.batch.id).await? {
            return Ok(stop);
        }
        loop {
            if let Some(stop) = self.wait_for(most - 1).await? {
                return Ok(stop);
            }
            let Some(raw) = self.lines.next().await? else { return Ok(Stop::Done) };
            if self.is_resumed
                && let Some(result) =
                    LineResult::load(&self.work.gateway, &self.work.owner, &self.batch.id, raw.index).await?
            {
                self.count(&result);
                continue;
            }
            let number = raw.number;
            let Ok(line) = raw.parsed(&self.batch.endpoint).await else {
                // It was read before: what a request may be has changed meanwhile.
                tracing::warn!(batch = self.batch.id, number, "a line of a batch cannot be read any more");
                continue;
            };
            if let Some(stop) = self.begin(line).await? {
                return Ok(stop);
            }
        }
    }

    /// Begins one line when it has its place, unless something stops the batch before.
    async fn begin(&mut self, line: Line) -> Result<Option<Stop>, ApiError> {
        let work = self.work;
        let place = async {
            while work.is_cheaper_later(&self.batch, &line) {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Arc::clone(&work.places).acquire_owned().await
        };
        let place = match work.unless_stopped(&self.batch.id, place).await? {
            Ok(place) => place.map_err(|_| ApiError::internal())?,
            Err(stop) => return Ok(Some(stop)),
        };
        // It may have waited for long.
        if let Some(stop) = work.stop(&self.batch.id).await? {
            return Ok(Some(stop));
        }
        let ask = Ask {
            gateway: Arc::clone(&work.gateway),
            owner: work.owner.clone(),
            batch: Arc::clone(&self.batch),
            places: Arc::clone(&work.places),
            stop: self.halt.clone(),
        };
        self.under_way.spawn(ask.answered(line, place));
        Ok(None)
    }

    /// Waits until no more than so many are under way, unless something stops the batch.
    async fn wait_for(&mut self, most: usize) -> Result<Option<Stop>, ApiError> {
        while let Some(ended) = self.under_way.try_join_next() {
            self.note(ended);
        }
        while self.under_way.len() > most {
            match self.work.unless_stopped(&self.batch.id, self.under_way.join_next()).await? {
                Ok(Some(ended)) => self.note(ended),
                Ok(None) => {}
                Err(stop) => return Ok(Some(stop)),
            }
        }
        if self.told.elapsed() >= LOOK_EVERY {
            self.tell().await?;
        }
        Ok(None)
    }

    fn note(&mut self, ended: Result<Option<LineResult>, JoinError>) {
        match ended {
            Ok(Some(result)) => self.count(&result),
            Ok(None) => {}
            // It has no answer; the others go on.
            Err(_) => tracing::error!(batch = self.batch.id, "a line of a batch panicked"),
        }
    }

    fn count(&mut self, result: &LineResult) {
        let count = if result.is_error { &mut self.counts.failed } else { &mut self.counts.completed };
        *count += 1;
        self.used = self.used.with(result.used);
    }

    /// Anybody who asks sees how far it has come.
    async fn tell(&mut self) -> Result<(), ApiError> {
        self.told = Instant::now();
        let (counts, used) = (self.counts, self.used);
        let change = |batch: &mut Batch| (batch.counts, batch.used) = (counts, used);
        progress::update(&self.work.gateway, &self.work.owner, &self.batch.id, change).await.map(|_| ())
    }
}
