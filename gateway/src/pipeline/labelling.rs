//! The `shekara` object of an answer's body: what happened to the request, signed together with what was answered.

use std::sync::Arc;

use serde_json::Value;

use super::screening::ScreenedRequest;
use super::{Gateway, Settlement, Sources};
use crate::labels::{Label, Notice, OutputSha256, SignedLabel, Synthetic};
use crate::signing::Signer;

/// Labels one answer.
pub(super) struct Labeller {
    signer: Arc<Signer>,
    sources: Sources,
    settlement: Arc<Settlement>,
    notice: Option<Notice>,
}

impl Labeller {
    pub(super) fn new(gateway: &Gateway, request: &ScreenedRequest) -> Self {
        Self {
            signer: Arc::clone(&gateway.signer),
            sources: gateway.sources.clone(),
            settlement: Arc::clone(&request.context.settlement),
            notice: request.snapshot.config.labels.notice,
        }
    }

    /// What is said about an answer that ends now. Without a digest, and where a name cannot be signed, it has no
    /// signature.
    pub(super) fn label(&self, output: Option<OutputSha256>) -> Value {
        let record = self.settlement.draft().record;
        let mut entities = record.entities;
        for (entity, count) in record.answer_entities {
            let sum = entities.entry(entity).or_default();
            *sum = sum.saturating_add(count);
        }
        let label = Label {
            synthetic: Synthetic,
            request_id: record.request_id,
            time: format!("{:.3}", self.sources.now()),
            route: record.route,
            provider: record.provider,
            model: record.model.unwrap_or_default(),
            zone: record.zone.unwrap_or_default(),
            reason: record.reason,
            attempts: Some(record.attempts),
            data_class: record.data_class,
            entities,
            action: record.pii_action,
            notice: self.notice,
        };
        let signed = output.map(|output| SignedLabel::sign(label.clone(), output, &record.tenant, &self.signer));
        match signed {
            Some(Ok(signed)) => serde_json::to_value(signed).unwrap_or_default(),
            _ => serde_json::to_value(label).unwrap_or_default(),
        }
    }
}
