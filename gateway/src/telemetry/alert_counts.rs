//! How many alerts were raised, and what came of those that were sent.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct EventLabels {
    event: &'static str,
}

#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChannelLabels {
    channel: &'static str,
}

/// Clones count together.
#[derive(Debug, Clone, Default)]
pub struct AlertCounts {
    raised: Family<EventLabels, Counter>,
    sent: Family<ChannelLabels, Counter>,
    failed: Family<ChannelLabels, Counter>,
    dropped: Family<ChannelLabels, Counter>,
}

impl AlertCounts {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("shekara_alerts", "Events that are alerts, sent or not.", self.raised.clone());
        registry.register("shekara_alerts_sent", "Alerts that were taken.", self.sent.clone());
        registry.register("shekara_alerts_failed", "Alerts that were given up.", self.failed.clone());
        registry.register("shekara_alerts_dropped", "Alerts for which no room was left.", self.dropped.clone());
    }

    pub fn raised(&self, event: &'static str) {
        self.raised.get_or_create(&EventLabels { event }).inc();
    }

    pub fn sent(&self, channel: &'static str) {
        self.sent.get_or_create(&ChannelLabels { channel }).inc();
    }

    /// Tried for the last time.
    pub fn failed(&self, channel: &'static str) {
        self.failed.get_or_create(&ChannelLabels { channel }).inc();
    }

    /// Never tried.
    pub fn dropped(&self, channel: &'static str) {
        self.dropped.get_or_create(&ChannelLabels { channel }).inc();
    }
}
