//! What an answer's record said of it, kept beside the answer for those who are given it once more.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::draft::Draft;
use crate::audit::Outcome;
use crate::auth::DataClass;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) route: Option<String>,
    pub(super) provider: Option<String>,
    pub(super) model: Option<String>,
    pub(super) zone: Option<String>,
    pub(super) data_class: DataClass,
    pub(super) entities: BTreeMap<String, u32>,
    pub(super) answer_entities: BTreeMap<String, u32>,
    pub(super) pii_action: String,
    pub(super) streamed: bool,
    /// Its route is one of the configuration's or a local model's.
    pub(super) is_named: bool,
}

/// How an answer ended, and all that its record says of it then.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) status: u16,
    pub(super) facts: Facts,
}

impl Facts {
    /// Whether the request had to stay inside.
    pub(super) fn is_confined(&self) -> bool {
        self.pii_action == "local"
    }

    /// Puts them into the record of a request that is answered with the same.
    pub(super) fn note_in(&self, draft: &mut Draft) {
        draft.is_named = self.is_named;
        let record = &mut draft.record;
        record.route.clone_from(&self.route);
        record.provider.clone_from(&self.provider);
        record.model.clone_from(&self.model);
        record.zone.clone_from(&self.zone);
        record.data_class = record.data_class.max(self.data_class);
        record.entities.clone_from(&self.entities);
        record.answer_entities.clone_from(&self.answer_entities);
        record.pii_action.clone_from(&self.pii_action);
        record.streamed = self.streamed;
    }
}

impl From<&Draft> for Facts {
    fn from(draft: &Draft) -> Self {
        let record = &draft.record;
        Self {
            route: record.route.clone(),
            provider: record.provider.clone(),
            model: record.model.clone(),
            zone: record.zone.clone(),
            data_class: record.data_class,
            entities: record.entities.clone(),
            answer_entities: record.answer_entities.clone(),
            pii_action: record.pii_action.clone(),
            streamed: record.streamed,
            is_named: draft.is_named,
        }
    }
}
