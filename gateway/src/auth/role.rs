//! What a key may do: call models, or some of `/admin/v1`.
//!
//! A role is a set of permissions, and an endpoint needs one. Whoever gives a role must have all of it.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Calls models; the only role that does.
    Application,
    /// Everything, people and their roles included.
    Owner,
    /// Everything but making owners and reading kept content.
    Admin,
    /// Keeps it running: models, kill switches.
    Operator,
    /// Usage, budgets, invoices.
    Finance,
    /// Reads everything, the audit above all.
    Auditor,
    /// Keys and usage of the own projects.
    Developer,
}

/// What an endpoint of `/admin/v1` needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    ReadTenants,
    /// Tenants, departments and projects, with their limits.
    WriteTenants,
    /// Budgets of tenants, projects and keys, and what stands on an invoice.
    WriteBudgets,
    ReadKeys,
    /// Keys of applications in every environment.
    WriteKeys,
    /// Keys of applications, those of production aside.
    WriteTestKeys,
    /// People's own keys for `/admin/v1`, with no more than they have themselves.
    WriteOwnKeys,
    ReadPeople,
    WritePeople,
    /// People who may do everything.
    WriteOwners,
    ReadSwitches,
    WriteSwitches,
    ReadModels,
    ControlModels,
    ScanTexts,
    EraseContent,
    ReadAudit,
    /// What is kept of requests and answers, where it is.
    ReadAuditContent,
    ReadUsage,
    ReadInvoices,
    WriteInvoices,
    /// All that the store owns, as one document.
    ExportState,
    ImportState,
}

impl Permission {
    pub const ALL: [Self; 23] = [
        Self::ReadTenants,
        Self::WriteTenants,
        Self::WriteBudgets,
        Self::ReadKeys,
        Self::WriteKeys,
        Self::WriteTestKeys,
        Self::WriteOwnKeys,
        Self::ReadPeople,
        Self::WritePeople,
        Self::WriteOwners,
        Self::ReadSwitches,
        Self::WriteSwitches,
        Self::ReadModels,
        Self::ControlModels,
        Self::ScanTexts,
        Self::EraseContent,
        Self::ReadAudit,
        Self::ReadAuditContent,
        Self::ReadUsage,
        Self::ReadInvoices,
        Self::WriteInvoices,
        Self::ExportState,
        Self::ImportState,
    ];

    /// It is about the installation as a whole, and never of use within one tenant.
    pub fn is_of_installation(self) -> bool {
        matches!(
            self,
            Self::WriteOwners
                | Self::ReadSwitches
                | Self::WriteSwitches
                | Self::ReadModels
                | Self::ControlModels
                | Self::WriteInvoices
        )
    }
}

impl Role {
    pub const ALL: [Self; 7] =
        [Self::Application, Self::Owner, Self::Admin, Self::Operator, Self::Finance, Self::Auditor, Self::Developer];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
            Self::Developer => "developer",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    pub fn may(self, permission: Permission) -> bool {
        use Permission as P;
        match self {
            Self::Application => false,
            Self::Owner => true,
            Self::Admin => !matches!(permission, P::WriteOwners | P::ReadAuditContent),
            Self::Operator => matches!(
                permission,
                P::ReadTenants
                    | P::ReadKeys
                    | P::WriteOwnKeys
                    | P::ReadSwitches
                    | P::WriteSwitches
                    | P::ReadModels
                    | P::ControlModels
                    | P::ScanTexts
                    | P::ReadUsage
            ),
            Self::Finance => matches!(
                permission,
                P::ReadTenants
                    | P::WriteBudgets
                    | P::ReadKeys
                    | P::WriteOwnKeys
                    | P::ReadUsage
                    | P::ReadInvoices
                    | P::WriteInvoices
            ),
            Self::Auditor => matches!(
                permission,
                P::ReadTenants
                    | P::ReadKeys
                    | P::WriteOwnKeys
                    | P::ReadPeople
                    | P::ReadSwitches
                    | P::ReadModels
                    | P::ReadAudit
                    | P::ReadAuditContent
                    | P::ReadUsage
                    | P::ReadInvoices
                    | P::ExportState
            ),
            Self::Developer => matches!(
                permission,
                P::ReadTenants
                    | P::ReadKeys
                    | P::WriteTestKeys
                    | P::WriteOwnKeys
                    | P::ReadModels
                    | P::ScanTexts
                    | P::ReadUsage
            ),
        }
    }

    /// Whether all that `other` may, this one may too.
    pub fn covers(self, other: Self) -> bool {
        Permission::ALL.into_iter().all(|permission| self.may(permission) || !other.may(permission))
    }

    /// Whether it may give this role to somebody else, who logs in by themselves. Kept content aside: who appoints an auditor
    /// does not become one.
    pub fn may_appoint(self, other: Self) -> bool {
        let is_had = |permission| self.may(permission) || permission == Permission::ReadAuditContent;
        Permission::ALL.into_iter().all(|permission| is_had(permission) || !other.may(permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_gives_more_than_they_have() {
        for role in Role::ALL {
            assert!(Role::Owner.covers(role) && role.covers(Role::Application), "{role:?}");
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert!(Role::Admin.covers(Role::Finance) && !Role::Admin.covers(Role::Owner));
        assert!(!Role::Admin.covers(Role::Auditor) && Role::Admin.may_appoint(Role::Auditor));
        assert!(!Role::Admin.may_appoint(Role::Owner) && !Role::Finance.may_appoint(Role::Auditor));
        let readers = Role::ALL.into_iter().filter(|role| role.may(Permission::ReadAuditContent));
        assert_eq!(readers.collect::<Vec<_>>(), [Role::Owner, Role::Auditor]);
        assert!(!Role::Finance.covers(Role::Auditor) && !Role::Developer.covers(Role::Operator));
    }

    #[test]
    fn whoever_only_reads_writes_nothing() {
        use Permission as P;
        let writes = [P::WriteTenants, P::WriteBudgets, P::WriteKeys, P::WriteTestKeys, P::WritePeople, P::WriteOwners];
        let acts = [P::WriteSwitches, P::ControlModels, P::EraseContent, P::WriteInvoices, P::ImportState];
        for permission in writes.into_iter().chain(acts) {
            assert!(!Role::Auditor.may(permission), "{permission:?}");
        }
        assert!(Permission::ALL.into_iter().all(|permission| !Role::Application.may(permission)));
    }
}
