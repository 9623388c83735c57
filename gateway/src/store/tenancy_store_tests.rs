//! Both databases do the same with tenants, keys and switches.

use super::super::test_store::test_stores;
use super::*;
use crate::auth::{DataClass, KeySettings};

fn key(id: &str, tenant: &str, project: &str) -> KeyRecord {
    KeyRecord {
        id: id.into(),
        name: "chat".into(),
        role: Role::Application,
        tenant: tenant.into(),
        project: project.into(),
        environment: "prod".into(),
        data_class: DataClass::Personal,
        settings: KeySettings {
            owner: Some("aigul@bank.kz".into()),
            allowed_routes: vec!["chat".into()],
            ..KeySettings::default()
        },
        hash: [7; 32],
        created_at_ms: 5,
        expires_at_ms: None,
        frozen: false,
        revoked: false,
        version: 1,
    }
}

#[tokio::test]
async fn what_is_written_is_read_and_counts_the_generation_up() {
    for test in test_stores().await {
        let store = test.store;
        let first = store.generation().await.unwrap();
        assert_eq!(store.insert_tenant(Tenant::named("bank", 1)).await.unwrap(), Written::Done);
        assert_eq!(store.insert_tenant(Tenant::named("bank", 2)).await.unwrap(), Written::Conflict);
        let retail = Department {
            tenant: "bank".into(),
            id: "retail".into(),
            name: "Розница".into(),
            created_at_ms: 3,
            version: 1,
        };
        assert_eq!(store.insert_department(retail.clone()).await.unwrap(), Written::Done);
        let foreign = Department { tenant: "clinic".into(), ..retail.clone() };
        assert_eq!(store.insert_department(foreign).await.unwrap(), Written::Missing);
        let mut project = Project { department: Some("retail".into()), ..Project::named("bank", "chat", 4) };
        assert_eq!(store.insert_project(project.clone()).await.unwrap(), Written::Done);
        let lost = Project { department: Some("other".into()), ..Project::named("bank", "lost", 4) };
        assert_eq!(store.insert_project(lost).await.unwrap(), Written::Missing);
        let own = key("k1", "bank", "chat");
        store.insert_key(own.clone()).await.unwrap();
        assert_eq!(store.generation().await.unwrap(), first + 4);

        let records = store.directory().await.unwrap();
        assert_eq!(records.tenants, [Tenant::named("bank", 1)]);
        assert_eq!((&*records.projects, &*records.keys), (&[project.clone()][..], &[own.clone()][..]));
        assert_eq!(store.departments(Some("bank".into())).await.unwrap(), [retail]);
        assert!(store.departments(Some("clinic".into())).await.unwrap().is_empty());

        project.frozen = true;
        project.department = None;
        assert_eq!(store.update_project(project.clone()).await.unwrap(), Written::Done);
        assert_eq!(store.update_project(project.clone()).await.unwrap(), Written::Conflict);
        project.version = 2;
        assert_eq!(store.projects(None).await.unwrap(), [project.clone()]);
        project.department = Some("none".into());
        assert_eq!(store.update_project(project.clone()).await.unwrap(), Written::Missing);
        project.id = "none".into();
        assert_eq!(store.update_project(project).await.unwrap(), Written::Missing);
    }
}

#[tokio::test]
async fn a_key_is_changed_by_whoever_has_seen_it_last() {
    for test in test_stores().await {
        let store = test.store;
        store.insert_key(key("k1", "bank", "chat")).await.unwrap();
        let mut own = store.key("k1".into()).await.unwrap().unwrap();
        own.settings.scenario = Some("loans".into());
        (own.frozen, own.expires_at_ms) = (true, Some(99));
        assert_eq!(store.update_key(own.clone()).await.unwrap(), Written::Done);
        assert_eq!(store.update_key(own.clone()).await.unwrap(), Written::Conflict);
        own.version = 2;
        assert_eq!(store.key("k1".into()).await.unwrap(), Some(own.clone()));
        let new = KeyRecord { hash: [8; 32], ..key("k2", "bank", "chat") };
        own.settings.replaced_by = Some("k2".into());
        assert_eq!(store.rotate_key(own.clone(), new.clone()).await.unwrap(), Written::Done);
        let third = key("k3", "bank", "chat");
        assert_eq!(store.rotate_key(own, third).await.unwrap(), Written::Conflict);
        assert_eq!(store.key("k2".into()).await.unwrap(), Some(new));
        assert_eq!(store.key("k3".into()).await.unwrap(), None);
        assert_eq!(store.update_key(key("k9", "bank", "chat")).await.unwrap(), Written::Missing);
    }
}

#[tokio::test]
async fn keys_are_found_by_what_they_are() {
    for test in test_stores().await {
        let store = test.store;
        let mut clinic = key("b1", "clinic", "chat");
        clinic.settings.owner = None;
        clinic.environment = "dev".into();
        for key in [key("a1", "bank", "chat"), key("a2", "bank", "scoring"), clinic] {
            store.insert_key(key).await.unwrap();
        }
        let ids = async |filter: KeyFilter| {
            let keys = store.keys(KeyFilter { limit: filter.limit.max(1), ..filter }).await.unwrap();
            keys.into_iter().map(|key| key.id).collect::<Vec<_>>()
        };
        let all = KeyFilter { limit: 10, ..KeyFilter::default() };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(ids(all.clone()).await, ["a1", "a2", "b1"]);
        assert_eq!(ids(KeyFilter { tenant: text("bank"), ..all.clone() }).await, ["a1", "a2"]);
        assert_eq!(ids(KeyFilter { project: text("chat"), ..all.clone() }).await, ["a1", "b1"]);
        assert_eq!(ids(KeyFilter { environment: text("dev"), ..all.clone() }).await, ["b1"]);
        assert_eq!(ids(KeyFilter { owner: text("aigul@bank.kz"), ..all.clone() }).await, ["a1", "a2"]);
        assert_eq!(ids(KeyFilter { prefix: text("a"), ..all.clone() }).await, ["a1", "a2"]);
        assert!(ids(KeyFilter { prefix: text("%"), ..all.clone() }).await.is_empty());
        assert!(ids(KeyFilter { role: Some(Role::Owner), ..all.clone() }).await.is_empty());
        assert_eq!(ids(KeyFilter { limit: 1, after: "a1".into(), ..KeyFilter::default() }).await, ["a2"]);
    }
}

#[tokio::test]
async fn switches_are_off_until_they_are_on() {
    for test in test_stores().await {
        let store = test.store;
        let off = |reason: &str| Switch {
            kind: SwitchKind::Model,
            name: "openai/gpt-5".into(),
            reason: reason.into(),
            by: "admin".into(),
            at_ms: 1,
        };
        store.switch_off(off("leak")).await.unwrap();
        store.switch_off(off("price")).await.unwrap();
        assert_eq!(store.switches().await.unwrap(), [off("price")]);
        assert!(store.directory().await.unwrap().switches.is_target_off("openai", "gpt-5"));
        assert!(!store.switch_on(SwitchKind::Provider, "openai/gpt-5".into()).await.unwrap());
        assert!(store.switch_on(SwitchKind::Model, "openai/gpt-5".into()).await.unwrap());
        assert!(store.switches().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn who_writes_at_the_same_time_is_told() {
    for test in test_stores().await {
        let store = test.store;
        store.insert_key(key("k1", "bank", "chat")).await.unwrap();
        let own = store.key("k1".into()).await.unwrap().unwrap();
        let writes = (0..8).map(|number| {
            let (store, mut own) = (store.clone(), own.clone());
            own.name = number.to_string();
            tokio::spawn(async move { store.update_key(own).await.unwrap() })
        });
        let mut done = 0;
        for write in writes.collect::<Vec<_>>() {
            done += usize::from(write.await.unwrap() == Written::Done);
        }
        assert_eq!(done, 1);
    }
}
