//! Time, randomness and ids, injected so that what depends on them can be tested without waiting.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

type Now = dyn Fn() -> Timestamp + Send + Sync;
type Fill = dyn Fn(&mut [u8]) + Send + Sync;

#[derive(Clone)]
pub struct Sources {
    now: Arc<Now>,
    fill: Arc<Fill>,
}

impl Sources {
    pub fn new(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        fill: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), fill: Arc::new(fill) }
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
        let milliseconds = u64::try_from(self.now().as_millisecond()).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &self.random()).into_uuid();
        format!("req_{}", id.simple())
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sources")
    }
}
