//! Export and import of what the store owns: one text, one plan, one transaction.

use crate::auth::KeySecret;
use crate::pipeline::Sources;
use crate::state::{
    Document, Importer, Intent, Minting, Plan, PlanError, Scope, StateRecords, TextError, plan, version_of, write,
};
use crate::store::{Store, StoreError, Written};

/// Another may change something while a plan is made.
const MAX_TRIES: usize = 5;

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("failed to read the document: {0}")]
    Unreadable(TextError),
    #[error("failed to write the document: {0}")]
    Unwritable(TextError),
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error("there is no tenant '{tenant}'")]
    NoTenant { tenant: String },
    #[error("the state was changed since the document was made of it: its version is {current} now")]
    Outdated { current: String },
    #[error("the state was changed by others all the time; try again")]
    Busy,
}

/// A document, and its text with the version in it.
#[derive(Debug)]
pub struct Exported {
    pub document: Document,
    pub text: String,
    pub version: String,
}

/// # Errors
/// The database refuses, there is no such tenant, or a number is greater than TOML's.
pub async fn export(store: &dyn Store, scope: &Scope) -> Result<Exported, StateError> {
    let records = steady(store).await?;
    exported(&records, scope)
}

fn exported(records: &StateRecords, scope: &Scope) -> Result<Exported, StateError> {
    if let Some(tenant) = scope.tenant()
        && !records.tenants.iter().any(|own| own.id == tenant)
    {
        return Err(StateError::NoTenant { tenant: tenant.to_owned() });
    }
    let mut document = Document::of(records, scope);
    let version = version_of(&document).map_err(StateError::Unwritable)?;
    document.version = Some(version.clone());
    let text = write(&document).map_err(StateError::Unwritable)?;
    Ok(Exported { document, text, version })
}

/// What was not changed while it was read.
async fn steady(store: &dyn Store) -> Result<StateRecords, StateError> {
    for _ in 0..MAX_TRIES {
        let records = store.tenancy().state().await?;
        if store.tenancy().generation().await? == records.generation {
            return Ok(records);
        }
    }
    Err(StateError::Busy)
}

/// Which state an importer has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The one that the document names, if it names one.
    Document,
    /// This one.
    Version(String),
    /// Whatever there is now is written over.
    Any,
}

#[derive(Debug)]
pub struct Order<'a> {
    pub document: &'a Document,
    pub importer: Importer<'a>,
    pub by: &'a str,
    pub seen: Seen,
    pub prune: bool,
    pub dry_run: bool,
}

/// What an import did, or would do.
#[derive(Debug)]
pub struct Imported {
    pub plan: Plan,
    /// Of the state afterwards.
    pub version: String,
    pub is_applied: bool,
}

/// # Errors
/// The document cannot be followed, is older than the state, or others write all the time. Nothing is written then.
pub async fn import(
    store: &dyn Store,
    order: &Order<'_>,
    (secret, sources): (&KeySecret, &Sources),
) -> Result<Imported, StateError> {
    for _ in 0..MAX_TRIES {
        let records = steady(store).await?;
        let plan = planned(&records, order, secret, sources)?;
        if order.dry_run || plan.is_empty() {
            let version = current(&records, &order.document.scope())?;
            return Ok(Imported { plan, version, is_applied: !order.dry_run });
        }
        if store.tenancy().write_state(plan.writes(), plan.generation).await? == Written::Done {
            let version = current(&steady(store).await?, &order.document.scope())?;
            return Ok(Imported { plan, version, is_applied: true });
        }
    }
    Err(StateError::Busy)
}

fn planned(
    records: &StateRecords,
    order: &Order<'_>,
    secret: &KeySecret,
    sources: &Sources,
) -> Result<Plan, StateError> {
    let Order { document, importer, by, prune, .. } = *order;
    let intent = Intent { document, importer, by, prune, now_ms: sources.now().as_millisecond() };
    let random = || sources.random();
    let plan = plan(records, intent, &Minting { secret, random: &random })?;
    let current = current(records, &document.scope())?;
    let is_seen = match &order.seen {
        Seen::Any => true,
        Seen::Version(seen) => *seen == current,
        // Where the document asks for what there is, it does not matter what it was made of.
        Seen::Document => document.version.as_ref().is_none_or(|seen| *seen == current) || plan.is_empty(),
    };
    if is_seen { Ok(plan) } else { Err(StateError::Outdated { current }) }
}

/// Also of a tenant that there is not yet.
fn current(records: &StateRecords, scope: &Scope) -> Result<String, StateError> {
    version_of(&Document::of(records, scope)).map_err(StateError::Unwritable)
}
