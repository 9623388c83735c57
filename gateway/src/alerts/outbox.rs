//! Where alerts are raised: logged and counted at once, told once in a while, and put into the queue of each way out.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::repeats::Repeats;
use super::{About, Alert, ChannelKind, Event, Settings, Severity, delivery};
use crate::telemetry::AlertCounts;

/// Alerts that wait for one way out. One more is not sent on it.
pub(super) const QUEUE: usize = 256;

pub type PauseFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Time and ids, injected.
pub struct Clock {
    pub now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    pub new_id: Box<dyn Fn() -> String + Send + Sync>,
    /// Between tries.
    pub pause: Box<dyn Fn(Duration) -> PauseFuture + Send + Sync>,
}

/// Whoever sees what an operator must know raises it here.
pub struct Alerts {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

pub(super) struct Shared {
    pub(super) clock: Clock,
    pub(super) counts: AlertCounts,
    pub(super) ending: CancellationToken,
    pub(super) settings: ArcSwap<Settings>,
    repeats: Mutex<Repeats>,
    queues: [Sender<Alert>; 2],
}

impl Alerts {
    /// Begins to deliver what will be raised. Nothing leaves before [`Self::follow`] says where to.
    pub fn start(clock: Clock, counts: AlertCounts) -> Self {
        let (webhook, to_webhook) = channel(QUEUE);
        let (syslog, to_syslog) = channel(QUEUE);
        let shared = Arc::new(Shared {
            clock,
            counts,
            ending: CancellationToken::new(),
            settings: ArcSwap::default(),
            repeats: Mutex::default(),
            queues: [webhook, syslog],
        });
        let waiting: [Receiver<Alert>; 2] = [to_webhook, to_syslog];
        let task = tokio::spawn(delivery::run(Arc::clone(&shared), waiting));
        Self { shared, task: Mutex::new(Some(task)) }
    }

    /// From now on alerts go there, those that wait or are tried again included.
    pub fn follow(&self, settings: Settings) {
        self.shared.settings.store(Arc::new(settings));
    }

    /// Says it in the log, and sends it if it was not told a moment ago. Never waits.
    pub fn raise(&self, event: Event, about: About<'_>) {
        let shared = &self.shared;
        shared.counts.raised(event.as_str());
        let settings = shared.settings.load();
        let (now, id) = ((shared.clock.now)(), (shared.clock.new_id)());
        let alert = Alert::new(id, now, event, about, settings.host.as_deref());
        log(&alert);
        if !settings.sends(event) {
            return;
        }
        let told = shared.repeats().note(alert, milliseconds(settings.repeat));
        if let Some(alert) = told {
            shared.post(&alert);
        }
    }

    /// Sends what waits, each once, for no longer than `within`. What is raised later is only logged.
    pub async fn finish(&self, within: Duration) {
        // Before it ends, what was held back.
        let rest = self.shared.repeats().rest();
        for alert in rest {
            self.shared.post(&alert);
        }
        self.shared.ending.cancel();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut task) = task else { return };
        if tokio::time::timeout(within, &mut task).await.is_err() {
            task.abort();
            let left: usize = self.shared.queues.iter().map(|queue| queue.max_capacity() - queue.capacity()).sum();
            tracing::error!(left, "the process ends before all alerts were sent");
        }
    }
}

impl Drop for Alerts {
    fn drop(&mut self) {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.abort();
        }
    }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Alerts")
    }
}

impl Shared {
    /// Puts into the queues what was held back for long enough.
    pub(super) fn post_due(&self) {
        let now_ms = u64::try_from((self.clock.now)().as_millisecond()).unwrap_or_default();
        let repeat_ms = milliseconds(self.settings.load().repeat);
        let due = self.repeats().due(now_ms, repeat_ms);
        for alert in due {
            self.post(&alert);
        }
    }

    fn post(&self, alert: &Alert) {
        let settings = self.settings.load();
        for (kind, queue) in ChannelKind::ALL.into_iter().zip(&self.queues) {
            if settings.channel(kind).is_none() {
                continue;
            }
            // At the end nobody may be there to take it.
            if self.ending.is_cancelled() || queue.try_send(alert.clone()).is_err() {
                self.counts.dropped(kind.as_str());
                let (channel, event) = (kind.as_str(), alert.event.as_str());
                tracing::error!(channel, event, id = alert.id, "an alert finds no room in its queue and is not sent");
            }
        }
    }

    fn repeats(&self) -> MutexGuard<'_, Repeats> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Every one of them, sent or not.
fn log(alert: &Alert) {
    let Alert { summary, provider, model, route, request_id, tenant, .. } = alert;
    let event = alert.event.as_str();
    match alert.severity {
        Severity::Info => tracing::info!(event, provider, model, route, request_id, tenant, "{summary}"),
        Severity::Warning => tracing::warn!(event, provider, model, route, request_id, tenant, "{summary}"),
        Severity::Error | Severity::Critical => {
            tracing::error!(event, provider, model, route, request_id, tenant, "{summary}");
        }
    }
}
