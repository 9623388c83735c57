//! Random states come back as they were, to the byte; what cannot be, or is not the importer's to do, is refused as a whole.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::auth::{
    Department, KeyRecord, KeySecret, KeySettings, NewKey, Project, ReachLevel, Role, Switch, SwitchKind, Tenant,
    mint_named,
};
use crate::limits::Limits;

const NOW_MS: i64 = 1_000;

fn key(id: &str, role: Role, reach: ReachLevel, tenant: &str) -> KeyRecord {
    let new = NewKey {
        name: id.to_owned(),
        role,
        tenant: tenant.to_owned(),
        project: "chat".to_owned(),
        environment: "prod".to_owned(),
        data_class: crate::auth::DataClass::Public,
        settings: KeySettings { reach, ..KeySettings::default() },
        expires_at_ms: None,
    };
    mint_named(id, new, &KeySecret::new([1; 32]), [3; 42], 0).unwrap().record
}

/// Two tenants with a project, a department and a key each, an owner and a switch.
fn records() -> StateRecords {
    let tenants = ["bank", "clinic"];
    let switch =
        Switch { kind: SwitchKind::Route, name: "chat".into(), reason: "leak".into(), by: "x".into(), at_ms: 1 };
    let department = |tenant: &str| Department {
        tenant: tenant.into(),
        id: "retail".into(),
        name: "Retail".into(),
        created_at_ms: 0,
        version: 1,
    };
    StateRecords {
        tenants: tenants.map(|id| Tenant::named(id, 0)).to_vec(),
        departments: tenants.map(department).to_vec(),
        projects: tenants.map(|id| Project::named(id, "chat", 0)).to_vec(),
        keys: vec![
            key("0000000000", Role::Owner, ReachLevel::Installation, "bank"),
            key("1111111111", Role::Application, ReachLevel::Installation, "bank"),
            key("2222222222", Role::Application, ReachLevel::Installation, "clinic"),
            key("3333333333", Role::Admin, ReachLevel::Tenant, "clinic"),
        ],
        switches: vec![switch],
        generation: 7,
    }
}

fn planned(records: &StateRecords, text: &str, importer: Importer<'_>, prune: bool) -> Result<Plan, PlanError> {
    let document = read(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    let intent = Intent { document: &document, importer, by: "tests", prune, now_ms: NOW_MS };
    plan(records, intent, &Minting { secret: &KeySecret::new([1; 32]), random: &|| [9; 42] })
}

fn text(records: &StateRecords, scope: &Scope) -> String {
    write(&Document::of(records, scope)).unwrap()
}

/// What a store does with a plan.
fn applied(mut records: StateRecords, plan: &Plan) -> StateRecords {
    fn put<T>(all: &mut Vec<T>, new: &T, is_same: impl Fn(&T) -> bool)
    where
        T: Clone,
    {
        all.retain(|own| !is_same(own));
        all.push(new.clone());
    }
    for write in plan.writes() {
        match &write {
            StateWrite::InsertTenant(new) | StateWrite::UpdateTenant(new) => {
                put(&mut records.tenants, new, |own| own.id == new.id);
            }
            StateWrite::InsertDepartment(new) | StateWrite::UpdateDepartment(new) => {
                put(&mut records.departments, new, |own| (&own.tenant, &own.id) == (&new.tenant, &new.id));
            }
            StateWrite::RemoveDepartment(gone) => {
                records.departments.retain(|own| (&own.tenant, &own.id) != (&gone.tenant, &gone.id));
            }
            StateWrite::InsertProject(new) | StateWrite::UpdateProject(new) => {
                put(&mut records.projects, new, |own| (&own.tenant, &own.id) == (&new.tenant, &new.id));
            }
            StateWrite::InsertKey(new) | StateWrite::UpdateKey(new) => {
                put(&mut records.keys, new, |own| own.id == new.id);
            }
            StateWrite::SwitchOff(new) => {
                put(&mut records.switches, new, |own| (own.kind, &own.name) == (new.kind, &new.name));
            }
            StateWrite::SwitchOn(kind, name) => records.switches.retain(|own| (own.kind, &own.name) != (*kind, name)),
        }
    }
    records
}

fn name() -> impl Strategy<Value = String> {
    // Quotes, backslashes, dots and letters of all scripts; no control characters.
    proptest::string::string_regex("[a-zа-яәғқңөұүһі0-9 .,\"'\\\\#=\\[\\]{}«»-]{1,20}").unwrap()
}

fn limits() -> impl Strategy<Value = Limits> {
    let budget = (0..3_usize, 0..9_999_999_i64, any::<bool>(), vec(1..=200_u8, 0..3));
    (option::of(1..u32::MAX), option::of(1..i64::MAX), vec(budget, 0..3)).prop_map(|(requests, tokens, budgets)| {
        let budgets: BTreeMap<usize, _> = budgets.into_iter().map(|budget| (budget.0, budget)).collect();
        let budgets: Vec<_> = budgets
            .into_values()
            .map(|(period, tiyn, hard, alerts)| {
                let tenge = format!("{}.{:02}", tiyn / 100, tiyn % 100);
                let period = ["day", "month", "total"][period];
                json!({ "period": period, "tenge": tenge, "hard": hard,
                        "alert_at_percent": alerts })
            })
            .collect();
        let mut written = json!({ "budgets": budgets });
        if let Some(requests) = requests {
            written["requests_per_minute"] = requests.into();
        }
        if let Some(tokens) = tokens {
            written["tokens_per_day"] = tokens.into();
        }
        serde_json::from_value(written).unwrap()
    })
}

/// A key's id, name, role, reach, settings and flags.
fn key_parts() -> impl Strategy<Value = (String, String, usize, Vec<String>, Option<i64>, bool, Limits)> {
    let id = proptest::string::string_regex("[0-9a-hjkmnp-tv-z]{10}").unwrap();
    (id, name(), 0..7_usize, vec(name(), 0..3), option::of(0..i64::MAX), any::<bool>(), limits())
}

fn states() -> impl Strategy<Value = StateRecords> {
    let project = (option::of(0..3_usize), any::<bool>(), limits(), vec(key_parts(), 0..3));
    let tenant = (name(), any::<bool>(), limits(), vec(name(), 0..3), btree_map(name(), project, 0..3));
    let switches = vec((0..3_usize, name(), name()), 0..4);
    (btree_map(name(), tenant, 0..4), switches).prop_map(|(tenants, switches)| {
        let mut records = StateRecords::default();
        for (id, (name, frozen, limits, departments, projects)) in tenants {
            let mut tenant = Tenant { name, frozen, ..Tenant::named(&id, 0) };
            tenant.settings.limits = limits;
            records.tenants.push(tenant);
            let departments: Vec<String> =
                departments.into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect();
            records.departments.extend(departments.iter().map(|own| Department {
                tenant: id.clone(),
                id: own.clone(),
                name: own.clone(),
                created_at_ms: 0,
                version: 1,
            }));
            for (project, (department, frozen, limits, keys)) in projects {
                let department = department.and_then(|at| departments.get(at).cloned());
                let mut own = Project { department, frozen, ..Project::named(&id, &project, 0) };
                own.settings.limits = limits;
                records.projects.push(own);
                for (key_id, name, role, routes, expires_at_ms, frozen, limits) in keys {
                    if records.keys.iter().any(|own| own.id == key_id) {
                        continue;
                    }
                    let mut own = key(&key_id, Role::ALL[role], ReachLevel::Tenant, &id);
                    (own.project, own.name) = (project.clone(), name);
                    (own.expires_at_ms, own.frozen) = (expires_at_ms, frozen);
                    own.settings.allowed_routes = routes;
                    own.settings.limits = limits;
                    records.keys.push(own);
                }
            }
        }
        let switches: BTreeMap<_, _> = switches.into_iter().map(|own| ((own.0, own.1.clone()), own)).collect();
        records.switches = switches
            .into_values()
            .map(|(kind, name, reason)| Switch { kind: SwitchKind::ALL[kind], name, reason, by: "x".into(), at_ms: 0 })
            .collect();
        records
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_state_comes_back_from_its_text_to_the_byte(state in states()) {
        let written = text(&state, &Scope::Installation);
        let same = planned(&state, &written, Importer::Operator, true).unwrap();
        prop_assert!(same.is_empty(), "{:?}", same.changes);
        let plan = planned(&StateRecords::default(), &written, Importer::Operator, false).unwrap();
        let copy = applied(StateRecords::default(), &plan);
        prop_assert_eq!(plan.new_keys.len(), state.keys.len());
        prop_assert_eq!(text(&copy, &Scope::Installation), written.clone());
        let as_json = serde_json::to_string(&Document::of(&state, &Scope::Installation)).unwrap();
        prop_assert_eq!(write(&read(as_json.as_bytes()).unwrap()).unwrap(), written);
    }

    #[test]
    fn any_state_becomes_what_a_document_says(from in states(), to in states()) {
        let written = text(&to, &Scope::Installation);
        let before = from.clone();
        if let Ok(plan) = planned(&from, &written, Importer::Operator, true) {
            let after = applied(from, &plan);
            let document = Document::of(&after, &Scope::Installation);
            let wanted = Document::of(&to, &Scope::Installation);
            prop_assert!(wanted.tenants.iter().all(|entry| document.tenants.contains(entry)));
            prop_assert!(wanted.projects.iter().all(|entry| document.projects.contains(entry)));
            prop_assert!(wanted.keys.iter().all(|entry| document.keys.contains(entry)));
            prop_assert_eq!(&wanted.switches, &document.switches);
            // What the document leaves out is there still, and serves nothing.
            let is_wanted = |id: &str| wanted.tenants.iter().any(|entry| entry.id == id);
            prop_assert!(document.tenants.iter().all(|entry| entry.frozen || is_wanted(&entry.id)));
            prop_assert!(before.tenants.iter().all(|own| document.tenants.iter().any(|entry| entry.id == own.id)));
            let again = planned(&after, &written, Importer::Operator, true).unwrap();
            prop_assert!(again.is_empty(), "{:?}", again.changes);
        }
    }
}

#[test]
fn what_is_not_known_is_refused_with_its_line() {
    for (text, line) in [
        ("format = 1\n[[tenants]]\nid = \"a\"\nnane = \"b\"\n", 4),
        ("format = 1\n\nplanet = 3\n", 3),
        ("format = 1\n[[keys]]\nid = \"a\"\nname = \"b\"\ntenant = \"t\"\nproject = \"p\"\nhash = \"x\"\n", 7),
        ("format = 1\n[[tenants]]\nid = \"a\"\n[tenants.settings.limits]\nrequests = 5\n", 5),
        ("format = 1\n[[tenants]]\nid = \"a\"\n[tenants.settings.limits]\nrequests_per_minute = 0\n", 5),
        ("{\n\"format\": 1,\n\"tenants\": [{ \"id\": \"a\", \"nane\": 1 }]}", 3),
        ("format = 1\nformat = 1\n", 2),
    ] {
        match read(text.as_bytes()) {
            Err(TextError::At { line: told, .. }) => assert_eq!(told, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert_eq!(read(b"format = 2\n"), Err(TextError::Format { format: 2 }));
    assert!(read(b"[[tenants]]\nid = \"a\"\n").is_err());
    assert_eq!(read(b"format = 1 # \xff"), Err(TextError::NotText));
}

#[test]
fn what_cannot_be_is_told_all_at_once_and_nothing_is_planned() {
    let text = "format = 1\n\
        [[tenants]]\nid = \"bank\"\n[[tenants]]\nid = \"bank\"\n\
        [[departments]]\ntenant = \"nowhere\"\nid = \"x\"\n\
        [[projects]]\ntenant = \"bank\"\nid = \"new\"\ndepartment = \"none\"\n\
        [[keys]]\nid = \"1111111111\"\nname = \"app\"\ntenant = \"bank\"\nproject = \"chat\"\nenvironment = \"dev\"\n\
        [[keys]]\nid = \"short\"\nname = \"app\"\ntenant = \"bank\"\nproject = \"chat\"\n\
        [[keys]]\nid = \"4444444444\"\nname = \"app\"\ntenant = \"bank\"\nproject = \"nothing\"\n";
    let Err(PlanError::Problems(problems)) = planned(&records(), text, Importer::Operator, false) else {
        panic!("it was planned")
    };
    let items: Vec<&str> = problems.iter().map(|problem| problem.item.as_str()).collect();
    assert_eq!(
        items,
        ["tenant bank", "department nowhere/x", "project bank/new", "key 1111111111", "key short", "key 4444444444",]
    );
    let mut revoked = records();
    revoked.keys[1].revoked = true;
    let back = text_of_key("1111111111", "bank");
    assert!(matches!(planned(&revoked, &back, Importer::Operator, false), Err(PlanError::Problems(_))));
    assert!(!text_of(&revoked).contains("1111111111"));
}

fn text_of(records: &StateRecords) -> String {
    text(records, &Scope::Installation)
}

fn text_of_key(id: &str, tenant: &str) -> String {
    format!("format = 1\n[[keys]]\nid = \"{id}\"\nname = \"app\"\ntenant = \"{tenant}\"\nproject = \"chat\"\n")
}

#[test]
fn nobody_imports_more_than_they_may_do_alone() {
    let records = records();
    let owner = Importer::Key(&records.keys[0]);
    let theirs = Importer::Key(&records.keys[3]);
    let mut admin = key("5555555555", Role::Admin, ReachLevel::Installation, "bank");
    admin.name = "admin".into();
    let admin = Importer::Key(&admin);
    let own = "format = 1\ntenant = \"clinic\"\n[[tenants]]\nid = \"clinic\"\nname = \"clinic\"\n";
    let new_key = |role: &str, reach: &str| {
        format!(
            "{own}[[keys]]\nid = \"6666666666\"\nname = \"new\"\ntenant = \"clinic\"\nproject = \"chat\"\n\
             role = \"{role}\"\nreach = \"{reach}\"\n"
        )
    };
    let limited = format!("{own}[tenants.settings.limits]\nrequests_per_minute = 5\n");
    let renamed = own.replace("name = \"clinic\"", "name = \"Clinic\"");
    let owned = "format = 1\n[[keys]]\nid = \"6666666666\"\nname = \"new\"\ntenant = \"bank\"\nproject = \"chat\"\n\
                 role = \"owner\"\n";
    for (importer, text, is_allowed) in [
        (theirs, own.to_owned(), true),
        (theirs, renamed.clone(), true),
        (theirs, limited.clone(), false),
        (admin, limited, true),
        (theirs, new_key("application", "tenant"), true),
        (theirs, new_key("finance", "tenant"), true),
        // Auditors read what an administrator does not.
        (theirs, new_key("auditor", "tenant"), false),
        (theirs, new_key("auditor", "installation"), false),
        (theirs, new_key("owner", "tenant"), false),
        (theirs, "format = 1\n".to_owned(), false),
        (theirs, "format = 1\ntenant = \"bank\"\n[[tenants]]\nid = \"bank\"\n".to_owned(), false),
        (admin, owned.to_owned(), false),
        (owner, owned.to_owned(), true),
        (Importer::Operator, owned.to_owned(), true),
    ] {
        let planned = planned(&records, &text, importer, false);
        assert_eq!(planned.is_ok(), is_allowed, "{text} {planned:?}");
        if !is_allowed {
            assert!(matches!(planned, Err(PlanError::NotPermitted { .. })), "{text} {planned:?}");
        }
    }
    let others = format!("{own}[[projects]]\ntenant = \"bank\"\nid = \"new\"\n");
    assert!(matches!(planned(&records, &others, theirs, false), Err(PlanError::Problems(_))));
    // Where nothing changes, nothing has to be allowed.
    assert!(planned(&records, &text_of(&records), admin, true).unwrap().is_empty());
}

#[test]
fn what_is_left_out_stays_and_is_frozen_where_the_import_prunes() {
    let records = records();
    let text = "format = 1\n[[tenants]]\nid = \"bank\"\n[[projects]]\ntenant = \"bank\"\nid = \"chat\"\n\
                [[keys]]\nid = \"0000000000\"\nname = \"0000000000\"\ntenant = \"bank\"\nproject = \"chat\"\n\
                role = \"owner\"\n";
    assert!(planned(&records, text, Importer::Operator, false).unwrap().is_empty());
    let pruned = planned(&records, text, Importer::Operator, true).unwrap();
    let told: Vec<String> =
        pruned.changes.iter().map(|own| format!("{} {}", own.action.as_str(), own.object)).collect();
    assert_eq!(
        told,
        [
            "freeze tenant clinic",
            "freeze project clinic/chat",
            "freeze key 1111111111 of bank/chat",
            "freeze key 2222222222 of clinic/chat",
            "freeze key 3333333333 of clinic/chat",
            "remove route chat",
            "remove department bank/retail",
            "remove department clinic/retail",
        ]
    );
    let without_owner = text.split("[[keys]]").next().unwrap();
    assert_eq!(planned(&records, without_owner, Importer::Operator, true).unwrap_err(), PlanError::LastOwner);
    let frozen = format!("{text}frozen = true\n");
    assert_eq!(planned(&records, &frozen, Importer::Operator, false).unwrap_err(), PlanError::LastOwner);
    // The key that imports stays.
    let own = planned(&records, without_owner, Importer::Key(&records.keys[0]), true).unwrap();
    assert!(own.changes.iter().all(|change| change.id != "0000000000") && own.kept.len() == 1);
}

#[test]
fn one_tenants_document_is_of_that_tenant_alone() {
    let records = records();
    let clinic = Scope::Tenant("clinic".into());
    let own = text(&records, &clinic);
    assert!(own.contains("tenant = \"clinic\"") && !own.contains("bank") && !own.contains("switches"), "{own}");
    assert!(planned(&records, &own, Importer::Operator, true).unwrap().is_empty());
    let less = "format = 1\ntenant = \"clinic\"\n[[tenants]]\nid = \"clinic\"\n";
    let pruned = planned(&records, less, Importer::Key(&records.keys[3]), true).unwrap();
    assert!(pruned.changes.iter().all(|change| !change.object.contains("bank")), "{pruned:?}");
    assert_eq!(pruned.count(Action::Freeze), 2);
}

#[test]
fn versions_follow_the_content_and_nothing_else() {
    let (mut records, scope) = (records(), Scope::Installation);
    let version = |records: &StateRecords| version_of(&Document::of(records, &scope)).unwrap();
    let first = version(&records);
    records.generation += 1;
    records.tenants[0].version += 1;
    records.keys.reverse();
    assert_eq!(version(&records), first);
    records.tenants[0].name = "Bank".into();
    assert_ne!(version(&records), first);
}
