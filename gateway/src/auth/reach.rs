//! Whose things a key of `/admin/v1` may see: everybody's, those of one tenant, or those of one of its projects.

use std::fmt;

use serde::{Deserialize, Serialize};

/// From wide to narrow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReachLevel {
    #[default]
    Installation,
    Tenant,
    Project,
}

impl ReachLevel {
    pub const ALL: [Self; 3] = [Self::Installation, Self::Tenant, Self::Project];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Installation => "installation",
            Self::Tenant => "tenant",
            Self::Project => "project",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }
}

/// The same with names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    Installation,
    Tenant { tenant: String },
    Project { tenant: String, project: String },
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installation => f.write_str("everything"),
            Self::Tenant { tenant } => write!(f, "tenant {tenant}"),
            Self::Project { tenant, project } => write!(f, "project {tenant}/{project}"),
        }
    }
}

impl Reach {
    pub fn new(level: ReachLevel, tenant: &str, project: &str) -> Self {
        let (tenant, project) = (tenant.to_owned(), project.to_owned());
        match level {
            ReachLevel::Installation => Self::Installation,
            ReachLevel::Tenant => Self::Tenant { tenant },
            ReachLevel::Project => Self::Project { tenant, project },
        }
    }

    pub fn is_installation(&self) -> bool {
        *self == Self::Installation
    }

    pub fn includes_tenant(&self, other: &str) -> bool {
        match self {
            Self::Installation => true,
            Self::Tenant { tenant } | Self::Project { tenant, .. } => tenant == other,
        }
    }

    /// All of the tenant, not a project of it alone.
    pub fn includes_all_of_tenant(&self, other: &str) -> bool {
        match self {
            Self::Installation => true,
            Self::Tenant { tenant } => tenant == other,
            Self::Project { .. } => false,
        }
    }

    pub fn includes_project(&self, other_tenant: &str, other: &str) -> bool {
        match self {
            Self::Installation => true,
            Self::Tenant { tenant } => tenant == other_tenant,
            Self::Project { tenant, project } => tenant == other_tenant && project == other,
        }
    }

    pub fn includes(&self, other: &Self) -> bool {
        match other {
            Self::Installation => self.is_installation(),
            Self::Tenant { tenant } => self.includes_all_of_tenant(tenant),
            Self::Project { tenant, project } => self.includes_project(tenant, project),
        }
    }

    pub fn level(&self) -> ReachLevel {
        match self {
            Self::Installation => ReachLevel::Installation,
            Self::Tenant { .. } => ReachLevel::Tenant,
            Self::Project { .. } => ReachLevel::Project,
        }
    }

    /// The only tenant that it reaches.
    pub fn tenant(&self) -> Option<&str> {
        match self {
            Self::Installation => None,
            Self::Tenant { tenant } | Self::Project { tenant, .. } => Some(tenant),
        }
    }

    /// The only project that it reaches.
    pub fn project(&self) -> Option<&str> {
        match self {
            Self::Project { project, .. } => Some(project),
            Self::Installation | Self::Tenant { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_reach_never_includes_a_wider_or_another_one() {
        let all = Reach::Installation;
        let bank = Reach::new(ReachLevel::Tenant, "bank", "chat");
        let chat = Reach::new(ReachLevel::Project, "bank", "chat");
        let other = Reach::new(ReachLevel::Project, "bank", "scoring");
        let clinic = Reach::new(ReachLevel::Tenant, "clinic", "chat");
        for (wide, narrow) in [(&all, &all), (&all, &bank), (&bank, &chat), (&bank, &bank), (&chat, &chat)] {
            assert!(wide.includes(narrow), "{wide:?} {narrow:?}");
        }
        for (one, two) in [(&bank, &all), (&chat, &bank), (&chat, &other), (&bank, &clinic), (&clinic, &chat)] {
            assert!(!one.includes(two), "{one:?} {two:?}");
        }
        assert!(chat.includes_tenant("bank") && !chat.includes_all_of_tenant("bank"));
        assert!(!clinic.includes_project("bank", "chat") && clinic.includes_project("clinic", "chat"));
    }
}
