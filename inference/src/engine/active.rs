//! A request that the scheduler knows: its client, its times, its guesses.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::TokenEvent;
use super::metrics::{EndingKind, RequestTimes};
use super::prompt_lookup::PromptLookup;
use super::speculation::Acceptance;

pub(super) struct ActiveRequest {
    events: mpsc::Sender<TokenEvent>,
    last: mpsc::OwnedPermit<TokenEvent>,
    place: OwnedSemaphorePermit,
    satisfied: Arc<AtomicBool>,
    pub(super) times: RequestTimes,
    prompt_tokens: usize,
    generated_tokens: usize,
    pub(super) lookup: PromptLookup,
    pub(super) acceptance: Acceptance,
}

/// The way to the client, room for the last word, the place that ends with the request, and whether the client has all
/// that it wanted.
pub(super) type ClientEnd =
    (mpsc::Sender<TokenEvent>, mpsc::OwnedPermit<TokenEvent>, OwnedSemaphorePermit, Arc<AtomicBool>);

impl ActiveRequest {
    pub(super) fn new(client: ClientEnd, prompt_tokens: usize, arrived: Duration, acceptance: Acceptance) -> Self {
        let (events, last, place, satisfied) = client;
        Self {
            events,
            last,
            place,
            satisfied,
            times: RequestTimes { arrived, ..RequestTimes::default() },
            prompt_tokens,
            generated_tokens: 0,
            lookup: PromptLookup::default(),
            acceptance,
        }
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.events.is_closed()
    }

    /// How a request ends whose client is gone.
    pub(super) fn abandonment(&self) -> EndingKind {
        if self.satisfied.load(Ordering::Acquire) { EndingKind::Stop } else { EndingKind::Abort }
    }

    /// Tokens of prompt and answer.
    pub(super) fn num_tokens(&self) -> (usize, usize) {
        (self.prompt_tokens, self.generated_tokens)
    }

    /// Takes note of new tokens; the time since those before, if there were any.
    pub(super) fn note_tokens(&mut self, count: usize, now: Duration) -> Option<Duration> {
        self.generated_tokens += count;
        self.times.first_token.get_or_insert(now);
        self.times.latest_token.replace(now).map(|before| now.saturating_sub(before))
    }

    /// `false` if the client has not read for so long that there is no more room. One that went
    /// away is found elsewhere.
    pub(super) fn send(&self, event: TokenEvent) -> bool {
        !matches!(self.events.try_send(event), Err(mpsc::error::TrySendError::Full(_)))
    }

    /// The last word, for which there is always room.
    pub(super) fn end(self, event: TokenEvent) {
        let Self { last, place, .. } = self;
        // The place first: who has the answer may ask again at once.
        drop(place);
        last.send(event);
    }
}
