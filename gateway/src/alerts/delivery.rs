//! Empties the queues in the background. Each way out is tried by itself, so that one that hangs holds up no other; an alert
//! is tried a few times, then given up and counted.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use tokio::sync::mpsc::Receiver;

use super::outbox::Shared;
use super::{Alert, ChannelKind};

/// Waits between tries; behind the last one it is given up.
const WAITS: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(5), Duration::from_secs(20), Duration::from_mins(1)];
/// How often what was held back is looked through.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Until the process ends.
pub(super) async fn run(shared: Arc<Shared>, [to_webhook, to_syslog]: [Receiver<Alert>; 2]) {
    let webhook = deliver(&shared, ChannelKind::Webhook, to_webhook);
    let syslog = deliver(&shared, ChannelKind::Syslog, to_syslog);
    let look = async {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            shared.post_due();
        }
    };
    tokio::select! {
        ((), ()) = join(webhook, syslog) => {}
        () = look => {}
    }
}

async fn deliver(shared: &Shared, kind: ChannelKind, mut queue: Receiver<Alert>) {
    loop {
        let next = tokio::select! {
            biased;
            next = queue.recv() => next,
            () = shared.ending.cancelled() => None,
        };
        let Some(alert) = next else { return };
        send(shared, kind, &alert).await;
    }
}

async fn send(shared: &Shared, kind: ChannelKind, alert: &Alert) {
    let (channel, event) = (kind.as_str(), alert.event.as_str());
    let mut waits = WAITS.into_iter();
    loop {
        // As the configuration is now: what could not be sent may go where it says since.
        let way = shared.settings.load().channel(kind).cloned();
        let Some(way) = way else {
            shared.counts.dropped(channel);
            tracing::error!(channel, event, id = alert.id, "an alert has no way out any more");
            return;
        };
        let is_last = shared.ending.is_cancelled();
        let Err(error) = way.send(alert, (shared.clock.now)()).await else {
            shared.counts.sent(channel);
            return;
        };
        let wait = waits.next().filter(|_| !is_last && !error.is_final());
        let Some(wait) = wait else {
            shared.counts.failed(channel);
            tracing::error!(channel, event, id = alert.id, %error, "an alert could not be sent");
            return;
        };
        tracing::warn!(channel, event, id = alert.id, %error, "an alert could not be sent and is tried again");
        shared.ending.run_until_cancelled((shared.clock.pause)(wait)).await;
    }
}

#[cfg(test)]
#[path = "delivery_tests.rs"]
mod tests;
