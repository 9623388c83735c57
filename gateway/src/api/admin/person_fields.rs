//! A person as administrators see and write them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shekara_protocol::error::ApiError;

use crate::auth::{Identity, Person, Reach, ReachLevel, Role, check_name, email_of};

/// What may be written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonFields {
    pub(super) email: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    pub(super) role: Role,
    /// Unset: as narrow as tenant and project say.
    #[serde(default)]
    reach: Option<ReachLevel>,
    #[serde(default)]
    tenant: Option<String>,
    #[serde(default)]
    project: Option<String>,
    #[serde(default)]
    pub(super) frozen: bool,
    /// May be taken away, and is given by a login alone.
    #[serde(default)]
    identity: Option<KnownAs>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownAs {
    issuer: String,
    subject: String,
}

impl PersonFields {
    pub(super) fn of(person: &Person) -> Self {
        let known = |own: &Identity| KnownAs { issuer: own.issuer.clone(), subject: own.subject.clone() };
        Self {
            email: person.email.clone(),
            name: person.name.clone(),
            role: person.role,
            reach: Some(person.reach.level()),
            tenant: person.reach.tenant().map(str::to_owned),
            project: person.reach.project().map(str::to_owned),
            frozen: person.frozen,
            identity: person.identity.as_ref().map(known),
        }
    }

    /// The same person with what is written here.
    ///
    /// # Errors
    /// 400: it is no address, no role of people, or a reach that its names do not make.
    pub(super) fn put_into(self, person: &mut Person) -> Result<(), ApiError> {
        let email = email_of(&self.email);
        let email = email.ok_or_else(|| ApiError::invalid("email", "Invalid 'email': expected an address."))?;
        if self.role == Role::Application {
            return Err(ApiError::invalid("role", "Invalid 'role': applications have keys and do not log in."));
        }
        let reach = self.reach()?;
        let identity = self.identity.map(|known| Identity { issuer: known.issuer, subject: known.subject });
        if identity.is_some() && identity != person.identity {
            let message = "Invalid 'identity': it is given by a login; null lets the next one give it anew.";
            return Err(ApiError::invalid("identity", message));
        }
        if (self.role, &reach) != (person.role, &person.reach) {
            // From now on it is what an administrator has said.
            person.is_granted = false;
        }
        (person.email, person.name, person.frozen) = (email, self.name, self.frozen);
        (person.role, person.reach, person.identity) = (self.role, reach, identity);
        person.check().map_err(|error| ApiError::invalid(error.field, format!("{error}.")))
    }

    fn reach(&self) -> Result<Reach, ApiError> {
        for (field, name) in [("tenant", &self.tenant), ("project", &self.project)] {
            let checked = name.iter().try_for_each(|name| check_name(field, name));
            checked.map_err(|error| ApiError::invalid(field, format!("{error}.")))?;
        }
        let level = self.reach.unwrap_or(match (&self.tenant, &self.project) {
            (_, Some(_)) => ReachLevel::Project,
            (Some(_), None) => ReachLevel::Tenant,
            (None, None) => ReachLevel::Installation,
        });
        match (level, &self.tenant, &self.project) {
            (ReachLevel::Installation, None, None) => Ok(Reach::Installation),
            (ReachLevel::Tenant, Some(tenant), None) => Ok(Reach::new(level, tenant, "")),
            (ReachLevel::Project, Some(tenant), Some(project)) => Ok(Reach::new(level, tenant, project)),
            _ => {
                let message = "Invalid 'reach': 'installation' has no names, 'tenant' needs 'tenant', and 'project' needs \
                               'tenant' and 'project'.";
                Err(ApiError::invalid("reach", message))
            }
        }
    }
}

pub(super) fn shown(person: &Person) -> Value {
    let fields = PersonFields::of(person);
    json!({
        "id": person.id,
        "email": fields.email,
        "name": fields.name,
        "role": fields.role,
        "reach": fields.reach,
        "tenant": fields.tenant,
        "project": fields.project,
        "frozen": fields.frozen,
        "identity": fields.identity,
        "from_claims": person.is_granted,
        "created_at_ms": person.created_at_ms,
        "changed_at_ms": person.changed_at_ms,
        "version": person.version,
    })
}
