//! All keys in memory, as hashes, with whom they belong to; the request path never waits for the store.

use std::collections::HashMap;
use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;

use subtle::ConstantTimeEq;

use super::key::id_of;
use super::{
    DataClass, KeyRecord, KeySecret, KeySettings, Person, PresentedKey, Project, ReachLevel, Role, Switches, Tenant,
};
use crate::limits::Limits;

/// Why a presented key opens nothing. Of a key that is unknown the caller learns no more than that it is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("no key was presented")]
    Missing,
    #[error("the key is unknown")]
    Unknown,
    #[error("the key was revoked")]
    Revoked,
    #[error("the key has expired")]
    Expired,
    #[error("the key is frozen")]
    Frozen,
    #[error("the key's project is frozen")]
    ProjectFrozen,
    #[error("the key's tenant is frozen")]
    TenantFrozen,
    #[error("the key may not be used from this address")]
    Address,
    #[error("there is nobody any more whose key it is")]
    PersonGone,
    #[error("the person is frozen whose key or login it is")]
    PersonFrozen,
    #[error("the key is for more than the person may do whose key it is")]
    PersonMayLess,
}

/// What acts on the whole installation are recorded under, like those of the first keys.
const DEFAULT: &str = "default";

/// Who a request comes from: a key, and whom it belongs to.
#[derive(Debug)]
pub struct Bearer {
    key: KeyRecord,
    /// Whose key it is, where it is a person's; or who is logged in.
    person: Option<Arc<Person>>,
    pub own_project: Arc<Project>,
    pub own_tenant: Arc<Tenant>,
    pub bounds: Bounds,
}

/// What a request of a bearer is counted under, from key to tenant.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub key: OwnBound,
    pub project: OwnBound,
    pub tenant: OwnBound,
}

/// A name that is unique at its level, and what may be used under it.
#[derive(Debug, Clone)]
pub struct OwnBound {
    pub name: Arc<str>,
    pub limits: Arc<Limits>,
    /// The same for requests of batches, which wait for their turn anyway: no rate, but what a day and a budget allow.
    pub slow_limits: Arc<Limits>,
}

impl OwnBound {
    fn new(name: &str, limits: &Limits) -> Self {
        let (tokens_per_day, budgets) = (limits.tokens_per_day, limits.budgets.clone());
        let slow_limits = Arc::new(Limits { tokens_per_day, budgets, ..Limits::default() });
        Self { name: name.into(), limits: Arc::new(limits.clone()), slow_limits }
    }
}

/// A tenant and its project again, of [`project_scope`]; any other name and nothing.
pub fn parts_of_scope(name: &str) -> (&str, &str) {
    name.split_once('\u{1f}').unwrap_or((name, ""))
}

/// A project's name among those of all tenants.
pub fn project_scope(tenant: &str, project: &str) -> String {
    // No name has a control character.
    format!("{tenant}\u{1f}{project}")
}

impl Deref for Bearer {
    type Target = KeyRecord;

    fn deref(&self) -> &KeyRecord {
        &self.key
    }
}

/// What the directory is made of, as the store has it.
#[derive(Debug, Clone, Default)]
pub struct DirectoryRecords {
    pub tenants: Vec<Tenant>,
    pub projects: Vec<Project>,
    pub keys: Vec<KeyRecord>,
    pub people: Vec<Person>,
    pub switches: Switches,
    /// Changes with every change of the others.
    pub generation: i64,
}

#[derive(Debug)]
pub struct Directory {
    secret: KeySecret,
    by_id: HashMap<String, Arc<Bearer>>,
    tenants: HashMap<String, Arc<Tenant>>,
    projects: HashMap<(String, String), Arc<Project>>,
    pub switches: Switches,
    pub generation: i64,
}

impl Directory {
    /// A key whose project or tenant is not among the records belongs to nobody and opens nothing.
    pub fn new(secret: KeySecret, records: DirectoryRecords) -> Self {
        let tenants: HashMap<_, _> =
            records.tenants.into_iter().map(|tenant| (tenant.id.clone(), Arc::new(tenant))).collect();
        let project_name = |project: &Project| (project.tenant.clone(), project.id.clone());
        let projects: HashMap<_, _> =
            records.projects.into_iter().map(|project| (project_name(&project), Arc::new(project))).collect();
        let tenant_bounds: HashMap<_, _> =
            tenants.iter().map(|(id, own)| (id.clone(), OwnBound::new(id, &own.settings.limits))).collect();
        let project_bound = |(name, own): (&(String, String), &Arc<Project>)| {
            (name.clone(), OwnBound::new(&project_scope(&name.0, &name.1), &own.settings.limits))
        };
        let project_bounds: HashMap<_, _> = projects.iter().map(project_bound).collect();
        let people: HashMap<_, _> =
            records.people.into_iter().map(|person| (person.id.clone(), Arc::new(person))).collect();
        let bearer = |key: KeyRecord| {
            let project_name = (key.tenant.clone(), key.project.clone());
            let bounds = Bounds {
                key: OwnBound::new(&key.id, &key.settings.limits),
                project: project_bounds.get(&project_name)?.clone(),
                tenant: tenant_bounds.get(&key.tenant)?.clone(),
            };
            let own_tenant = Arc::clone(tenants.get(&key.tenant)?);
            let own_project = Arc::clone(projects.get(&project_name)?);
            let person = key.settings.person.as_ref().and_then(|person| people.get(person)).cloned();
            Some((key.id.clone(), Arc::new(Bearer { key, person, own_project, own_tenant, bounds })))
        };
        let by_id = records.keys.into_iter().filter_map(bearer).collect();
        Self { secret, by_id, tenants, projects, switches: records.switches, generation: records.generation }
    }

    /// The key of this id, for work that it has ordered.
    ///
    /// # Errors
    /// It does not hold any more.
    pub fn find(&self, id: &str, now_ms: i64) -> Result<Arc<Bearer>, KeyError> {
        let bearer = self.by_id.get(id).ok_or(KeyError::Unknown)?;
        bearer.holds(now_ms)?;
        Ok(Arc::clone(bearer))
    }

    /// Finds the key by its naming part and compares the hash of the whole in constant time.
    ///
    /// # Errors
    /// The key is unknown, wrong, does not hold any more or not from this address.
    pub fn verify(
        &self,
        presented: &PresentedKey,
        address: Option<IpAddr>,
        now_ms: i64,
    ) -> Result<Arc<Bearer>, KeyError> {
        let bearer = id_of(presented.expose()).and_then(|id| self.by_id.get(id)).ok_or(KeyError::Unknown)?;
        let hash = self.secret.hash(presented.expose());
        if !bool::from(hash.ct_eq(&bearer.hash)) {
            return Err(KeyError::Unknown);
        }
        bearer.holds(now_ms)?;
        if bearer.settings.allows_address(address) { Ok(Arc::clone(bearer)) } else { Err(KeyError::Address) }
    }
}

impl Directory {
    /// Somebody who is logged in, with what they may do at this moment.
    ///
    /// # Errors
    /// They or what they reach are frozen, or it does not exist.
    pub fn logged_in(&self, person: Person) -> Result<Arc<Bearer>, KeyError> {
        let bearer = self.named(person)?;
        bearer.holds(0)?;
        Ok(Arc::new(bearer))
    }

    /// Whom the record of an act is about, whether or not they may do anything.
    ///
    /// # Errors
    /// What they reach does not exist.
    pub fn named(&self, person: Person) -> Result<Bearer, KeyError> {
        let reach = person.reach.clone();
        let (tenant, project) = (reach.tenant().unwrap_or(DEFAULT), reach.project().unwrap_or(DEFAULT));
        let own_tenant = match reach.tenant() {
            Some(tenant) => Arc::clone(self.tenants.get(tenant).ok_or(KeyError::PersonGone)?),
            None => Arc::new(Tenant::named(tenant, 0)),
        };
        let own_project = match reach.project() {
            Some(_) => {
                let name = (tenant.to_owned(), project.to_owned());
                Arc::clone(self.projects.get(&name).ok_or(KeyError::PersonGone)?)
            }
            None => Arc::new(Project::named(tenant, project, 0)),
        };
        let mut key = unkept(&person.id, &person.email, person.role, (tenant, project));
        key.settings.reach = reach.level();
        key.settings.person = Some(person.id.clone());
        Ok(Bearer::unkept(key, Some(Arc::new(person)), own_tenant, own_project))
    }

    /// Whom the record of a login is about that nobody was found for.
    pub fn nobody() -> Bearer {
        let key = unkept("login", "login", Role::Application, (DEFAULT, DEFAULT));
        Bearer::unkept(key, None, Arc::new(Tenant::named(DEFAULT, 0)), Arc::new(Project::named(DEFAULT, DEFAULT, 0)))
    }
}

/// What stands for a key where there is none. Nothing has its hash.
fn unkept(id: &str, name: &str, role: Role, (tenant, project): (&str, &str)) -> KeyRecord {
    KeyRecord {
        id: id.to_owned(),
        name: name.to_owned(),
        role,
        tenant: tenant.to_owned(),
        project: project.to_owned(),
        environment: "login".to_owned(),
        data_class: DataClass::Public,
        settings: KeySettings::default(),
        hash: [0; 32],
        created_at_ms: 0,
        expires_at_ms: None,
        frozen: false,
        revoked: false,
        version: 1,
    }
}

impl Bearer {
    fn unkept(key: KeyRecord, person: Option<Arc<Person>>, own_tenant: Arc<Tenant>, own_project: Arc<Project>) -> Self {
        let bound = |name: &str| OwnBound::new(name, &Limits::default());
        let bounds = Bounds {
            key: bound(&key.id),
            project: bound(&project_scope(&key.tenant, &key.project)),
            tenant: bound(&key.tenant),
        };
        Self { key, person, own_project, own_tenant, bounds }
    }

    /// Whose key it is, or who is logged in.
    pub fn person(&self) -> Option<&Person> {
        self.person.as_deref()
    }

    /// Somebody is logged in: there is no key.
    pub fn is_login(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.id == self.key.id)
    }

    /// A person's key opens what that person may do, and nothing without them.
    fn person_holds(&self) -> Result<(), KeyError> {
        if self.settings.person.is_none() {
            return Ok(());
        }
        match &self.person {
            None => Err(KeyError::PersonGone),
            Some(person) if person.frozen => Err(KeyError::PersonFrozen),
            Some(person) if !person.covers(&self.key) => Err(KeyError::PersonMayLess),
            Some(_) => Ok(()),
        }
    }

    fn holds(&self, now_ms: i64) -> Result<(), KeyError> {
        self.person_holds()?;
        if self.revoked {
            Err(KeyError::Revoked)
        } else if self.expires_at_ms.is_some_and(|until_ms| until_ms <= now_ms) {
            Err(KeyError::Expired)
        } else if self.frozen {
            Err(KeyError::Frozen)
        } else if self.role != Role::Application && self.settings.reach == ReachLevel::Installation {
            // Whoever thaws a tenant must not be frozen with it.
            Ok(())
        } else if self.own_project.frozen {
            Err(KeyError::ProjectFrozen)
        } else if self.own_tenant.frozen {
            Err(KeyError::TenantFrozen)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{MintedKey, NewKey, Reach, mint};

    fn minted(fill: u8) -> MintedKey {
        let new = NewKey {
            name: "chat".into(),
            role: Role::Application,
            tenant: "bank".into(),
            project: "support".into(),
            environment: "prod".into(),
            data_class: DataClass::Public,
            settings: KeySettings::default(),
            expires_at_ms: None,
        };
        mint(new, &KeySecret::new([7; 32]), [fill; 42], 0)
    }

    fn directory(secret: u8, keys: Vec<KeyRecord>) -> Directory {
        let records = DirectoryRecords {
            tenants: vec![Tenant::named("bank", 0)],
            projects: vec![Project::named("bank", "support", 0)],
            keys,
            ..DirectoryRecords::default()
        };
        Directory::new(KeySecret::new([secret; 32]), records)
    }

    #[test]
    fn only_the_very_key_opens() {
        let (a, mut b) = (minted(1), minted(2));
        b.record.revoked = true;
        let directory = directory(7, vec![a.record.clone(), b.record]);
        let verify = |text: &str| directory.verify(&PresentedKey::new(text), None, 0);
        assert_eq!(verify(&a.plaintext).unwrap().name, "chat");
        assert_eq!(verify(&b.plaintext).unwrap_err(), KeyError::Revoked);
        let mut forged = a.plaintext.clone();
        forged.replace_range(forged.len() - 1.., "z");
        for text in [forged.as_str(), "", "sk-sh-", "sk-other", &a.plaintext[..20], "ключ"] {
            assert_eq!(verify(text).unwrap_err(), KeyError::Unknown, "{text}");
        }
    }

    #[test]
    fn another_installation_does_not_know_the_key_and_a_stranger_opens_nothing() {
        let a = minted(1);
        assert!(directory(8, vec![a.record.clone()]).verify(&PresentedKey::new(&a.plaintext), None, 0).is_err());
        let mut stranger = minted(2);
        stranger.record.tenant = "clinic".into();
        let directory = directory(7, vec![stranger.record]);
        assert_eq!(directory.verify(&PresentedKey::new(&stranger.plaintext), None, 0).unwrap_err(), KeyError::Unknown);
    }

    #[test]
    fn a_key_holds_until_it_expires_and_while_nothing_above_it_is_frozen() {
        let verified = |change: &dyn Fn(&mut DirectoryRecords), address: Option<&str>| {
            let minted = minted(1);
            let mut records = DirectoryRecords {
                tenants: vec![Tenant::named("bank", 0)],
                projects: vec![Project::named("bank", "support", 0)],
                keys: vec![minted.record],
                ..DirectoryRecords::default()
            };
            change(&mut records);
            let directory = Directory::new(KeySecret::new([7; 32]), records);
            let address = address.map(|address| address.parse().unwrap());
            let verified = directory.verify(&PresentedKey::new(&minted.plaintext), address, 100);
            assert_eq!(directory.find(&minted.plaintext[6..16], 100).err().is_some(), {
                !matches!(verified, Ok(_) | Err(KeyError::Address))
            });
            verified.map(|_| ())
        };
        assert_eq!(verified(&|records| records.keys[0].expires_at_ms = Some(101), None), Ok(()));
        assert_eq!(verified(&|records| records.keys[0].expires_at_ms = Some(100), None), Err(KeyError::Expired));
        assert_eq!(verified(&|records| records.keys[0].frozen = true, None), Err(KeyError::Frozen));
        assert_eq!(verified(&|records| records.projects[0].frozen = true, None), Err(KeyError::ProjectFrozen));
        assert_eq!(verified(&|records| records.tenants[0].frozen = true, None), Err(KeyError::TenantFrozen));
        let fenced = |records: &mut DirectoryRecords| {
            records.keys[0].settings.allowed_ips = vec!["10.0.0.0/8".parse().unwrap()];
        };
        assert_eq!(verified(&fenced, Some("10.9.9.9")), Ok(()));
        assert_eq!(verified(&fenced, Some("192.0.2.1")), Err(KeyError::Address));
        assert_eq!(verified(&fenced, None), Err(KeyError::Address));
    }

    fn person(role: Role, reach: Reach) -> Person {
        Person {
            id: "person_1".into(),
            email: "aigul@bank.kz".into(),
            name: None,
            role,
            reach,
            frozen: false,
            identity: None,
            is_granted: false,
            created_at_ms: 0,
            changed_at_ms: 0,
            version: 1,
        }
    }

    #[test]
    fn a_persons_key_opens_while_they_are_there_and_may_do_as_much() {
        let bank = || Reach::new(ReachLevel::Tenant, "bank", "");
        let verified = |people: Vec<Person>| {
            let mut minted = minted(1);
            minted.record.role = Role::Auditor;
            minted.record.settings.person = Some("person_1".into());
            minted.record.settings.reach = ReachLevel::Project;
            let records = DirectoryRecords {
                tenants: vec![Tenant::named("bank", 0)],
                projects: vec![Project::named("bank", "support", 0)],
                keys: vec![minted.record],
                people,
                ..DirectoryRecords::default()
            };
            let directory = Directory::new(KeySecret::new([7; 32]), records);
            directory.verify(&PresentedKey::new(&minted.plaintext), None, 0).map(|_| ())
        };
        assert_eq!(verified(vec![]), Err(KeyError::PersonGone));
        assert_eq!(verified(vec![person(Role::Auditor, bank())]), Ok(()));
        assert_eq!(verified(vec![Person { frozen: true, ..person(Role::Admin, bank()) }]), Err(KeyError::PersonFrozen));
        assert_eq!(verified(vec![person(Role::Finance, bank())]), Err(KeyError::PersonMayLess));
        let clinic = Reach::new(ReachLevel::Tenant, "clinic", "");
        assert_eq!(verified(vec![person(Role::Auditor, clinic)]), Err(KeyError::PersonMayLess));
    }

    #[test]
    fn somebody_who_is_logged_in_may_do_what_they_may_and_is_no_key() {
        let records = DirectoryRecords { tenants: vec![Tenant::named("bank", 0)], ..DirectoryRecords::default() };
        let directory = Directory::new(KeySecret::new([7; 32]), records);
        let owner = directory.logged_in(person(Role::Owner, Reach::Installation)).unwrap();
        assert!(owner.is_login() && owner.reach().is_installation());
        assert_eq!((owner.name.as_str(), owner.tenant.as_str()), ("aigul@bank.kz", "default"));
        let reach = Reach::new(ReachLevel::Tenant, "bank", "");
        let admin = directory.logged_in(person(Role::Admin, reach.clone())).unwrap();
        assert_eq!(admin.reach(), reach);
        let frozen = Person { frozen: true, ..person(Role::Admin, reach) };
        assert_eq!(directory.logged_in(frozen).unwrap_err(), KeyError::PersonFrozen);
        let gone = person(Role::Admin, Reach::new(ReachLevel::Tenant, "clinic", ""));
        assert_eq!(directory.logged_in(gone).unwrap_err(), KeyError::PersonGone);
    }

    #[test]
    fn nothing_of_a_key_is_shown_by_debug() {
        let a = minted(3);
        assert!(!format!("{a:?} {:?}", PresentedKey::new(&a.plaintext)).contains(&a.plaintext[16..]));
    }
}
