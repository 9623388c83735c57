//! From what there is to what a document says: checked as a whole, so that nothing is written of what cannot be.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::document::Document;
use super::entries::{DepartmentEntry, ProjectEntry, SwitchEntry, TenantEntry};
use super::fields::differences;
use super::plan::{Action, Change, Kind, Plan};
use super::{Importer, PlanError, Problem, Scope, StateRecords, StateWrite};
use crate::auth::{BuyerDetails, InvalidName, KeySecret, Switch, TenantSettings, check_name};

#[path = "planner_keys.rs"]
mod keys;

const MAX_REASON_CHARS: usize = 500;
const MAX_SWITCH_BYTES: usize = 256;

/// What is wanted, and by whom.
#[derive(Debug, Clone, Copy)]
pub struct Intent<'a> {
    pub document: &'a Document,
    pub importer: Importer<'a>,
    /// The importer's name, as it stands beside kill switches.
    pub by: &'a str,
    /// What the document leaves out is frozen, or removed where it can be.
    pub prune: bool,
    /// Unix milliseconds.
    pub now_ms: i64,
}

/// What keys are made with.
pub struct Minting<'a> {
    pub secret: &'a KeySecret,
    pub random: &'a dyn Fn() -> [u8; 42],
}

/// # Errors
/// The document contradicts itself or what there is, asks for more than its importer may, or leaves no owner.
pub fn plan(records: &StateRecords, intent: Intent<'_>, minting: &Minting<'_>) -> Result<Plan, PlanError> {
    let scope = intent.document.scope();
    if !intent.importer.reaches(&scope) {
        return Err(PlanError::NotPermitted { item: whole(&scope) });
    }
    let mut planner = Planner {
        records,
        names: Names::of(records, intent.document),
        intent,
        scope,
        plan: Plan { generation: records.generation, ..Plan::default() },
        problems: Vec::new(),
        forbidden: None,
    };
    planner.check_scope();
    planner.tenants();
    planner.departments();
    planner.projects();
    planner.keys(minting);
    planner.switches();
    if intent.prune {
        planner.remove_departments();
    }
    let Planner { plan, problems, forbidden, .. } = planner;
    if !problems.is_empty() {
        return Err(PlanError::Problems(problems));
    }
    if let Some(item) = forbidden {
        return Err(PlanError::NotPermitted { item });
    }
    keys::leaves_an_owner(records, &plan, intent.now_ms)?;
    Ok(plan)
}

fn whole(scope: &Scope) -> String {
    scope.tenant().map_or_else(|| "the state of the installation".to_owned(), |id| format!("the state of tenant {id}"))
}

struct Planner<'a> {
    records: &'a StateRecords,
    intent: Intent<'a>,
    scope: Scope,
    names: Names<'a>,
    plan: Plan,
    problems: Vec<Problem>,
    forbidden: Option<String>,
}

/// What there will be, by its names.
struct Names<'a> {
    tenants: HashSet<&'a str>,
    departments: HashSet<(&'a str, &'a str)>,
    projects: HashSet<(&'a str, &'a str)>,
}

impl<'a> Names<'a> {
    fn of(records: &'a StateRecords, document: &'a Document) -> Self {
        let tenants = records.tenants.iter().map(|own| own.id.as_str());
        let departments = records.departments.iter().map(|own| (own.tenant.as_str(), own.id.as_str()));
        let projects = records.projects.iter().map(|own| (own.tenant.as_str(), own.id.as_str()));
        let new_departments = document.departments.iter().map(|own| (own.tenant.as_str(), own.id.as_str()));
        let new_projects = document.projects.iter().map(|own| (own.tenant.as_str(), own.id.as_str()));
        Self {
            tenants: tenants.chain(document.tenants.iter().map(|own| own.id.as_str())).collect(),
            departments: departments.chain(new_departments).collect(),
            projects: projects.chain(new_projects).collect(),
        }
    }
}

/// A thing that is not in the store yet, or how it differs from what is there.
struct Step<'s, E> {
    kind: Kind,
    id: String,
    object: String,
    old: Option<&'s E>,
    new: &'s E,
    write: StateWrite,
}

impl Planner<'_> {
    /// A document of a tenant has that tenant and nobody else's things.
    fn check_scope(&mut self) {
        let document = self.intent.document;
        let Some(own) = document.tenant.as_deref() else { return };
        let others = document.tenants.iter().map(|entry| (&entry.id, "tenant", &entry.id));
        let others = others.chain(document.departments.iter().map(|entry| (&entry.tenant, "department", &entry.id)));
        let others = others.chain(document.projects.iter().map(|entry| (&entry.tenant, "project", &entry.id)));
        let others = others.chain(document.keys.iter().map(|entry| (&entry.tenant, "key", &entry.id)));
        let outside: Vec<String> =
            others.filter(|(tenant, ..)| *tenant != own).map(|(_, kind, id)| format!("{kind} {id}")).collect();
        for item in outside {
            self.problem(item, format!("it does not belong to tenant {own}, of which this document is"));
        }
        for entry in &document.switches {
            self.problem(object_of(entry), "a document of one tenant has no switches".to_owned());
        }
        if document.tenants.is_empty() {
            self.problem(format!("tenant {own}"), "a document of one tenant has that tenant in it".to_owned());
        }
    }

    fn tenants(&mut self) {
        let (document, records) = (self.intent.document, self.records);
        let old: HashMap<_, _> = records.tenants.iter().map(|own| (own.id.as_str(), own)).collect();
        let entries = &document.tenants;
        self.once_each(entries.iter().map(|entry| entry.id.as_str()), |id| format!("tenant {id}"));
        for entry in entries {
            let item = format!("tenant {}", entry.id);
            let mut new = entry.record(self.intent.now_ms);
            self.named(&item, new.check());
            if let Some(message) = bad_billing(&new.settings) {
                self.problem(item.clone(), message);
            }
            let old = old.get(entry.id.as_str()).copied();
            let is_permitted = self.intent.importer.may_change_tenant(old, &new);
            let write = match old {
                None => StateWrite::InsertTenant(new.clone()),
                Some(old) => {
                    (new.created_at_ms, new.version) = (old.created_at_ms, old.version);
                    StateWrite::UpdateTenant(new.clone())
                }
            };
            let (old, new) = (old.map(TenantEntry::from), TenantEntry::from(&new));
            let (id, object) = (entry.id.clone(), item);
            self.step(Step { kind: Kind::Tenant, id, object, old: old.as_ref(), new: &new, write }, is_permitted);
        }
        let named: HashSet<_> = entries.iter().map(|entry| entry.id.as_str()).collect();
        for own in self.left_out(&records.tenants, |own| (&own.id, !named.contains(own.id.as_str()) && !own.frozen)) {
            let mut new = own.clone();
            new.frozen = true;
            let is_permitted = self.intent.importer.may_change_tenant(Some(own), &new);
            let (from, to) = (TenantEntry::from(own), TenantEntry::from(&new));
            let (id, object, write) = (own.id.clone(), format!("tenant {}", own.id), StateWrite::UpdateTenant(new));
            self.step(Step { kind: Kind::Tenant, id, object, old: Some(&from), new: &to, write }, is_permitted);
        }
    }

    fn departments(&mut self) {
        let (document, records) = (self.intent.document, self.records);
        let old: HashMap<_, _> =
            records.departments.iter().map(|own| ((own.tenant.as_str(), own.id.as_str()), own)).collect();
        let entries = &document.departments;
        let ids = entries.iter().map(|entry| (entry.tenant.as_str(), entry.id.as_str()));
        self.once_each(ids, |(tenant, id)| format!("department {tenant}/{id}"));
        for entry in entries {
            let id = format!("{}/{}", entry.tenant, entry.id);
            let object = format!("department {id}");
            let mut new = entry.record(self.intent.now_ms);
            self.named(&object, new.check());
            self.has_tenant(&object, &entry.tenant);
            let old = old.get(&(entry.tenant.as_str(), entry.id.as_str())).copied();
            let write = match old {
                None => StateWrite::InsertDepartment(new.clone()),
                Some(old) => {
                    (new.created_at_ms, new.version) = (old.created_at_ms, old.version);
                    StateWrite::UpdateDepartment(new.clone())
                }
            };
            let is_permitted = self.intent.importer.may_write_in(&entry.tenant);
            let (old, new) = (old.map(DepartmentEntry::from), DepartmentEntry::from(&new));
            self.step(Step { kind: Kind::Department, id, object, old: old.as_ref(), new: &new, write }, is_permitted);
        }
    }

    fn projects(&mut self) {
        let (document, records) = (self.intent.document, self.records);
        let old: HashMap<_, _> =
            records.projects.iter().map(|own| ((own.tenant.as_str(), own.id.as_str()), own)).collect();
        let entries = &document.projects;
        let ids = entries.iter().map(|entry| (entry.tenant.as_str(), entry.id.as_str()));
        self.once_each(ids, |(tenant, id)| format!("project {tenant}/{id}"));
        for entry in entries {
            let id = format!("{}/{}", entry.tenant, entry.id);
            let object = format!("project {id}");
            let mut new = entry.record(self.intent.now_ms);
            self.named(&object, new.check());
            self.has_tenant(&object, &entry.tenant);
            if let Some(department) = &entry.department
                && !self.names.departments.contains(&(entry.tenant.as_str(), department.as_str()))
            {
                self.problem(
                    object.clone(),
                    format!("its department '{department}' is neither in the document nor kept"),
                );
            }
            let old = old.get(&(entry.tenant.as_str(), entry.id.as_str())).copied();
            let write = match old {
                None => StateWrite::InsertProject(new.clone()),
                Some(old) => {
                    (new.created_at_ms, new.version) = (old.created_at_ms, old.version);
                    StateWrite::UpdateProject(new.clone())
                }
            };
            let is_permitted = self.intent.importer.may_change_project(&new);
            let (old, new) = (old.map(ProjectEntry::from), ProjectEntry::from(&new));
            self.step(Step { kind: Kind::Project, id, object, old: old.as_ref(), new: &new, write }, is_permitted);
        }
        let named: HashSet<_> = entries.iter().map(|entry| (entry.tenant.as_str(), entry.id.as_str())).collect();
        let is_left_out = |own: &crate::auth::Project| !named.contains(&(own.tenant.as_str(), own.id.as_str()));
        for own in self.left_out(&records.projects, |own| (&own.tenant, is_left_out(own) && !own.frozen)) {
            let mut new = own.clone();
            new.frozen = true;
            let is_permitted = self.intent.importer.may_change_project(&new);
            let (from, to) = (ProjectEntry::from(own), ProjectEntry::from(&new));
            let id = format!("{}/{}", own.tenant, own.id);
            let (object, write) = (format!("project {id}"), StateWrite::UpdateProject(new));
            self.step(Step { kind: Kind::Project, id, object, old: Some(&from), new: &to, write }, is_permitted);
        }
    }

    fn switches(&mut self) {
        let (document, records, now_ms) = (self.intent.document, self.records, self.intent.now_ms);
        let entries = &document.switches;
        self.once_each(entries.iter().map(|entry| (entry.kind, entry.name.as_str())), |(kind, name)| {
            format!("{} {name}", kind.as_str())
        });
        let is_permitted = self.intent.importer.may_switch();
        for entry in entries {
            let object = object_of(entry);
            let is_named = entry.name.len() <= MAX_SWITCH_BYTES
                && entry.name.split('/').try_for_each(|part| check_name("name", part)).is_ok();
            if !is_named || entry.reason.chars().count() > MAX_REASON_CHARS {
                self.problem(object.clone(), "its name or reason is none, or too long".to_owned());
            }
            let old = records.switches.iter().find(|own| own.kind == entry.kind && own.name == entry.name);
            let old = old.map(SwitchEntry::from);
            let (name, reason, by) = (entry.name.clone(), entry.reason.clone(), self.intent.by.to_owned());
            let write = StateWrite::SwitchOff(Switch { kind: entry.kind, name, reason, by, at_ms: now_ms });
            let id = object.clone();
            self.step(Step { kind: Kind::Switch, id, object, old: old.as_ref(), new: entry, write }, is_permitted);
        }
        let is_left_out = |own: &&Switch| !entries.iter().any(|entry| entry.kind == own.kind && entry.name == own.name);
        let is_pruned = self.intent.prune && self.scope == Scope::Installation;
        for own in records.switches.iter().filter(|own| is_pruned && is_left_out(own)) {
            let (object, write) = (object_of(&own.into()), StateWrite::SwitchOn(own.kind, own.name.clone()));
            self.removes((Kind::Switch, object.clone(), object), write, is_permitted);
        }
    }

    /// Those that no project belongs to. The others stay: somebody's bills name them.
    fn remove_departments(&mut self) {
        let (document, records) = (self.intent.document, self.records);
        let named: HashSet<_> =
            document.departments.iter().map(|entry| (entry.tenant.as_str(), entry.id.as_str())).collect();
        let told: HashSet<_> =
            document.projects.iter().map(|entry| (entry.tenant.as_str(), entry.id.as_str())).collect();
        let silent = records.projects.iter().filter(|own| !told.contains(&(own.tenant.as_str(), own.id.as_str())));
        let silent = silent.filter_map(|own| Some((own.tenant.as_str(), own.department.as_deref()?)));
        let spoken = document.projects.iter().filter_map(|own| Some((own.tenant.as_str(), own.department.as_deref()?)));
        let used: HashSet<_> = silent.chain(spoken).collect();
        for own in self.left_out(&records.departments, |own| {
            (&own.tenant, !named.contains(&(own.tenant.as_str(), own.id.as_str())))
        }) {
            let id = format!("{}/{}", own.tenant, own.id);
            let object = format!("department {id}");
            if used.contains(&(own.tenant.as_str(), own.id.as_str())) {
                self.plan.kept.push(format!("{object}: projects belong to it"));
                continue;
            }
            let is_permitted = self.intent.importer.may_write_in(&own.tenant);
            self.removes((Kind::Department, id, object), StateWrite::RemoveDepartment(own.clone()), is_permitted);
        }
    }

    /// What is pruned: of the document's scope, and left out of it.
    fn left_out<'r, T>(&self, records: &'r [T], about: impl Fn(&T) -> (&String, bool)) -> Vec<&'r T> {
        let is_pruned = |own: &&T| {
            let (tenant, is_left_out) = about(own);
            self.intent.prune && is_left_out && self.scope.includes(tenant)
        };
        records.iter().filter(is_pruned).collect()
    }

    fn removes(&mut self, (kind, id, object): (Kind, String, String), write: StateWrite, is_permitted: bool) {
        self.permitted(&object, is_permitted);
        self.plan.changes.push(Change { action: Action::Remove, kind, id, fields: Vec::new(), object, write });
    }

    /// Plans what differs. Where nothing does, nobody has to be allowed anything.
    fn step<E: serde::Serialize>(&mut self, step: Step<'_, E>, is_permitted: bool) {
        let Step { kind, id, object, old, new, write } = step;
        let fields = differences(old, new);
        let action = match old {
            None => Action::Create,
            Some(_) if fields.is_empty() => return,
            Some(_) if fields.len() == 1 && fields[0].name == "frozen" && fields[0].to == true => Action::Freeze,
            Some(_) => Action::Change,
        };
        self.permitted(&object, is_permitted);
        self.plan.changes.push(Change { action, kind, id, fields, object, write });
    }

    fn permitted(&mut self, object: &str, is_permitted: bool) {
        if !is_permitted {
            self.forbidden.get_or_insert_with(|| object.to_owned());
        }
    }

    fn once_each<I: Eq + Hash + Copy>(&mut self, ids: impl Iterator<Item = I>, object: impl Fn(I) -> String) {
        let mut seen = HashSet::new();
        for id in ids {
            if !seen.insert(id) {
                self.problem(object(id), "it stands in the document twice".to_owned());
            }
        }
    }

    fn has_tenant(&mut self, item: &str, tenant: &str) {
        if !self.names.tenants.contains(tenant) {
            self.problem(item.to_owned(), format!("its tenant '{tenant}' is neither in the document nor kept"));
        }
    }

    fn named(&mut self, item: &str, checked: Result<(), InvalidName>) {
        if let Err(error) = checked {
            self.problem(item.to_owned(), error.to_string());
        }
    }

    fn problem(&mut self, item: String, message: String) {
        self.problems.push(Problem { item, message });
    }
}

fn object_of(entry: &SwitchEntry) -> String {
    format!("{} {}", entry.kind.as_str(), entry.name)
}

fn bad_billing(settings: &TenantSettings) -> Option<String> {
    let bad = settings.billing.as_ref().map(BuyerDetails::check)?.err()?;
    Some(format!("settings.billing.{}: {}", bad.field, bad.problem))
}
