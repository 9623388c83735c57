//! Kill switches of routes, providers and models: what is switched off is not asked, whoever asks for it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SwitchKind {
    /// By the name that requests ask for.
    Route,
    Provider,
    /// `provider/model`, or `model` of any provider.
    Model,
}

impl SwitchKind {
    pub const ALL: [Self; 3] = [Self::Route, Self::Provider, Self::Model];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Route => "route",
            Self::Provider => "provider",
            Self::Model => "model",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// One that is off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    pub kind: SwitchKind,
    pub name: String,
    pub reason: String,
    /// The name of the key that switched it.
    pub by: String,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// All that are off.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    off: HashMap<SwitchKind, HashMap<String, Switch>>,
}

impl Switches {
    pub fn new(off: impl IntoIterator<Item = Switch>) -> Self {
        let mut switches = Self::default();
        for switch in off {
            switches.off.entry(switch.kind).or_default().insert(switch.name.clone(), switch);
        }
        switches
    }

    pub fn is_route_off(&self, alias: &str) -> bool {
        self.is_off(SwitchKind::Route, alias)
    }

    pub fn is_target_off(&self, provider: &str, model: &str) -> bool {
        // Nearly always there are none.
        !self.off.is_empty()
            && (self.is_off(SwitchKind::Provider, provider)
                || self.is_off(SwitchKind::Model, model)
                || self.is_off(SwitchKind::Model, &format!("{provider}/{model}")))
    }

    fn is_off(&self, kind: SwitchKind, name: &str) -> bool {
        self.off.get(&kind).is_some_and(|names| names.contains_key(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_of_its_kind_and_name() {
        let off = |kind, name: &str| Switch { kind, name: name.into(), reason: "x".into(), by: "a".into(), at_ms: 0 };
        let switches = Switches::new([
            off(SwitchKind::Route, "chat"),
            off(SwitchKind::Provider, "openai"),
            off(SwitchKind::Model, "qwen"),
            off(SwitchKind::Model, "azure/gpt-5"),
        ]);
        assert!(switches.is_route_off("chat") && !switches.is_route_off("openai"));
        assert!(switches.is_target_off("openai", "gpt-5") && switches.is_target_off("azure", "gpt-5"));
        assert!(switches.is_target_off("home", "qwen") && !switches.is_target_off("home", "gpt-5"));
        assert!(!Switches::default().is_target_off("openai", "gpt-5"));
    }
}
