//! The `shekara` object of an answer's body: what happened to the request, signed together with what was answered.

use std::sync::Arc;

use serde_json::Value;

use super::screening::ScreenedRequest;
use super::{Gateway, Settlement, Sources};
use crate::audit::AuditRecord;
use crate::labels::{Label, Notice, OutputSha256, SignedLabel, Synthetic};
use crate::signing::Signer;

/// Labels one answer.
pub(super) struct Labeller {
    /// `None` where answers are not signed.
    signer: Option<Arc<Signer>>,
    sources: Sources,
    settlement: Arc<Settlement>,
    notice: Option<Notice>,
}

impl Labeller {
    pub(super) fn new(gateway: &Gateway, request: &ScreenedRequest) -> Self {
        let labels = &request.snapshot.config.labels;
        Self {
            signer: labels.signs.then(|| Arc::clone(&gateway.signer)),
            sources: gateway.sources.clone(),
            settlement: Arc::clone(&request.context.settlement),
            notice: labels.notice,
        }
    }

    /// What is said about an answer that ends now. Without a digest, and where a name cannot be signed, it has no
    /// signature.
    pub(super) fn label(&self, output: Option<OutputSha256>) -> Value {
        let (label, tenant) = self.settlement.looked_at(|draft| (self.of(&draft.record), draft.record.tenant.clone()));
        let signed = match (&self.signer, output) {
            (Some(signer), Some(output)) => SignedLabel::sign(label.clone(), output, &tenant, signer).ok(),
            _ => None,
        };
        match signed {
            Some(signed) => serde_json::to_value(signed).unwrap_or_default(),
            None => serde_json::to_value(label).unwrap_or_default(),
        }
    }

    fn of(&self, record: &AuditRecord) -> Label {
        let mut entities = record.entities.clone();
        for (entity, count) in &record.answer_entities {
            let sum = entities.entry(entity.clone()).or_default();
            *sum = sum.saturating_add(*count);
        }
        Label {
            synthetic: Synthetic,
            request_id: record.request_id.clone(),
            time: format!("{:.3}", self.sources.now()),
            route: record.route.clone(),
            provider: record.provider.clone(),
            model: record.model.clone().unwrap_or_default(),
            zone: record.zone.clone().unwrap_or_default(),
            reason: record.reason.clone(),
            attempts: Some(record.attempts),
            data_class: record.data_class,
            entities,
            action: record.pii_action.clone(),
            notice: self.notice,
        }
    }
}
