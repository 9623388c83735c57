//! A model at a provider, with its zone in its type.

use std::sync::Arc;

use crate::config::{LOCAL_PROVIDER, TargetConfig, Zone};

/// A model at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub provider: Arc<str>,
    pub model: Arc<str>,
    pub zone: Zone,
}

impl Deployment {
    pub fn is_engine(&self) -> bool {
        &*self.provider == LOCAL_PROVIDER
    }
}

/// A deployment outside the border.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External(Deployment);

/// A deployment inside the border: local or in-country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InBorder(Deployment);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    InBorder(InBorder),
    External(External),
}

impl Target {
    pub fn new(config: &TargetConfig, zone: Zone) -> Self {
        let provider = config.provider.as_str().into();
        let deployment = Deployment { provider, model: config.model.as_str().into(), zone };
        match zone {
            Zone::Local | Zone::InCountry => Self::InBorder(InBorder(deployment)),
            Zone::External => Self::External(External(deployment)),
        }
    }

    pub fn deployment(&self) -> &Deployment {
        match self {
            Self::InBorder(InBorder(deployment)) | Self::External(External(deployment)) => deployment,
        }
    }
}

impl InBorder {
    pub fn deployment(&self) -> &Deployment {
        &self.0
    }
}

impl External {
    pub fn deployment(&self) -> &Deployment {
        &self.0
    }
}
