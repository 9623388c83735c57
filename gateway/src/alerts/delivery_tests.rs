//! What becomes of alerts behind their queues, without waiting: pauses are written down instead.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::super::outbox::QUEUE;
use super::super::{About, Alerts, Channel, Clock, Event, SendError, SendFuture, Settings};
use super::*;
use crate::telemetry::Metrics;

/// Answers with these statuses in turn, and 200 from then on; holds every answer back until it is let go.
#[derive(Debug)]
struct Scripted {
    statuses: Mutex<Vec<u16>>,
    sent: Mutex<Vec<Alert>>,
    gate: Semaphore,
    tried: Semaphore,
}

impl Scripted {
    fn new(statuses: &[u16], open: usize) -> Arc<Self> {
        Arc::new(Self {
            statuses: Mutex::new(statuses.iter().rev().copied().collect()),
            sent: Mutex::default(),
            gate: Semaphore::new(open),
            tried: Semaphore::new(0),
        })
    }

    fn ids(&self) -> Vec<String> {
        self.sent.lock().unwrap().iter().map(|alert| alert.id.clone()).collect()
    }

    async fn tries(&self, number: u32) {
        self.tried.acquire_many(number).await.unwrap().forget();
    }
}

impl Channel for Scripted {
    fn send<'c>(&'c self, alert: &'c Alert, _: Timestamp) -> SendFuture<'c> {
        Box::pin(async move {
            self.tried.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
            self.sent.lock().unwrap().push(alert.clone());
            match self.statuses.lock().unwrap().pop() {
                Some(status) => Err(SendError::Refused { status }),
                None => Ok(()),
            }
        })
    }
}

struct World {
    alerts: Alerts,
    metrics: Metrics,
    pauses: Arc<Mutex<Vec<u64>>>,
}

const OPEN: usize = 1_000;

impl World {
    fn new(settings: Settings) -> Self {
        let (metrics, pauses) = (Metrics::default(), Arc::<Mutex<Vec<u64>>>::default());
        let (noted, number) = (Arc::clone(&pauses), Mutex::new(0));
        let clock = Clock {
            now: Box::new(|| Timestamp::UNIX_EPOCH),
            new_id: Box::new(move || {
                let mut number = number.lock().unwrap();
                *number += 1;
                format!("alert_{number}")
            }),
            pause: Box::new(move |wait| {
                noted.lock().unwrap().push(wait.as_secs());
                Box::pin(std::future::ready(()))
            }),
        };
        let alerts = Alerts::start(clock, metrics.alerts.clone());
        alerts.follow(settings);
        Self { alerts, metrics, pauses }
    }

    fn raise(&self, provider: &str) {
        self.alerts.raise(Event::ProviderAuthFailed, About { provider: Some(provider), ..About::default() });
    }

    fn counts(&self, line: &str) -> bool {
        self.metrics.open_metrics().lines().any(|known| known == line)
    }
}

fn webhook(channel: &Arc<Scripted>) -> Settings {
    let channel: Arc<dyn Channel> = channel.clone();
    Settings { repeat: Duration::from_mins(10), webhook: Some(channel), ..Settings::default() }
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again_and_what_is_refused_for_good_is_not() {
    let channel = Scripted::new(&[500, 429, 404], OPEN);
    let world = World::new(webhook(&channel));
    world.raise("a");
    channel.tries(3).await;
    world.raise("b");
    channel.tries(1).await;
    world.alerts.finish(Duration::MAX).await;
    assert_eq!(channel.ids(), ["alert_1", "alert_1", "alert_1", "alert_2"]);
    assert_eq!(*world.pauses.lock().unwrap(), [1, 5]);
    assert!(world.counts("shekara_alerts_total{event=\"provider_auth_failed\"} 2"));
    assert!(world.counts("shekara_alerts_sent_total{channel=\"webhook\"} 1"));
    assert!(world.counts("shekara_alerts_failed_total{channel=\"webhook\"} 1"));
}

#[tokio::test]
async fn tries_have_an_end() {
    let channel = Scripted::new(&[503; 9], OPEN);
    let world = World::new(webhook(&channel));
    world.raise("a");
    channel.tries(5).await;
    world.raise("b");
    channel.tries(5).await;
    world.alerts.finish(Duration::MAX).await;
    assert_eq!(*world.pauses.lock().unwrap(), [1, 5, 20, 60, 1, 5, 20, 60]);
    assert!(world.counts("shekara_alerts_failed_total{channel=\"webhook\"} 1"), "{}", world.metrics.open_metrics());
    assert!(world.counts("shekara_alerts_sent_total{channel=\"webhook\"} 1"));
}

#[tokio::test]
async fn one_way_out_that_hangs_holds_up_no_other_and_its_queue_is_bounded() {
    let (hung, well) = (Scripted::new(&[], 0), Scripted::new(&[], OPEN));
    let syslog: Arc<dyn Channel> = well.clone();
    let world = World::new(Settings { syslog: Some(syslog), ..webhook(&hung) });
    world.raise("first");
    hung.tries(1).await;
    for name in 0..QUEUE + 7 {
        world.raise(&name.to_string());
        well.tries(1).await;
    }
    assert!(world.counts("shekara_alerts_dropped_total{channel=\"webhook\"} 7"), "{}", world.metrics.open_metrics());
    assert!(!world.counts("shekara_alerts_dropped_total{channel=\"syslog\"} 7"));
    hung.gate.add_permits(OPEN);
    world.alerts.finish(Duration::MAX).await;
    assert_eq!(hung.ids().len(), QUEUE + 1);
}

#[tokio::test]
async fn an_end_does_not_wait_for_who_hangs() {
    let hung = Scripted::new(&[], 0);
    let world = World::new(webhook(&hung));
    world.raise("a");
    hung.tries(1).await;
    world.alerts.finish(Duration::ZERO).await;
    world.raise("later");
    assert!(hung.ids().is_empty());
    assert!(world.counts("shekara_alerts_dropped_total{channel=\"webhook\"} 1"));
}

#[tokio::test]
async fn what_waits_goes_where_a_new_configuration_says() {
    let (old, new) = (Scripted::new(&[500; 9], 0), Scripted::new(&[], OPEN));
    let world = World::new(webhook(&old));
    world.raise("a");
    old.tries(1).await;
    world.alerts.follow(webhook(&new));
    old.gate.add_permits(1);
    new.tries(1).await;
    assert_eq!((old.ids(), new.ids().len()), (vec!["alert_1".to_owned()], 1));
}

#[tokio::test]
async fn only_chosen_events_are_sent_and_all_are_counted() {
    let channel = Scripted::new(&[], OPEN);
    let events = Some([Event::Tripwire].into());
    let world = World::new(Settings { events, ..webhook(&channel) });
    world.raise("a");
    world.alerts.raise(Event::Tripwire, About::default());
    world.alerts.finish(Duration::MAX).await;
    assert_eq!(channel.ids(), ["alert_2"]);
    assert!(world.counts("shekara_alerts_total{event=\"provider_auth_failed\"} 1"));
}
