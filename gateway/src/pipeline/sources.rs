//! Time, randomness, ids and pauses, injected so that what depends on them can be tested without waiting.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::alerts::{Clock, PauseFuture};

type Now = dyn Fn() -> Timestamp + Send + Sync;
type Fill = dyn Fn(&mut [u8]) + Send + Sync;
type Pause = dyn Fn(Duration) -> PauseFuture + Send + Sync;

#[derive(Clone)]
pub struct Sources {
    now: Arc<Now>,
    fill: Arc<Fill>,
    pause: Arc<Pause>,
}

impl Sources {
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        fill: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), fill: Arc::new(fill), pause: Arc::new(|wait| Box::pin(tokio::time::sleep(wait))) }
    }

    /// The same with pauses of another kind between tries.
    #[must_use]
    pub fn with_pause(self, pause: impl Fn(Duration) -> PauseFuture + Send + Sync + 'static) -> Self {
        Self { pause: Arc::new(pause), ..self }
    }

    /// The system's clock and random numbers.
    #[expect(clippy::expect_used, reason = "without randomness no key may be made and no request named")]
    pub fn system() -> Self {
        Self::new(Timestamp::now, |bytes| getrandom::fill(bytes).expect("the system has a source of randomness"))
    }

    pub fn now(&self) -> Timestamp {
        (self.now)()
    }

    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.fill)(&mut bytes);
        bytes
    }

    /// A fresh request id, in the order of time.
    pub fn request_id(&self) -> String {
        format!("req_{}", self.ordered_id())
    }

    /// What alerts need of them.
    pub fn clock(&self) -> Clock {
        let (now, id, pause) = (self.clone(), self.clone(), Arc::clone(&self.pause));
        Clock {
            now: Box::new(move || now.now()),
            new_id: Box::new(move || format!("alert_{}", id.ordered_id())),
            pause: Box::new(move |wait| pause(wait)),
        }
    }

    fn ordered_id(&self) -> uuid::fmt::Simple {
        let milliseconds = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.random()).into_uuid().simple()
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}
