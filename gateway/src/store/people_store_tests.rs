//! People and sessions, in both databases.

use super::super::TenancyStore as _;
use super::super::test_store::test_stores;
use super::*;
use crate::auth::Tenant;

fn person(id: &str, email: &str) -> Person {
    Person {
        id: id.into(),
        email: email.into(),
        name: Some("Айгүл".into()),
        role: Role::Auditor,
        reach: Reach::Tenant { tenant: "bank".into() },
        frozen: false,
        identity: None,
        is_granted: false,
        created_at_ms: 1,
        changed_at_ms: 2,
        version: 1,
    }
}

fn identity(subject: &str) -> Identity {
    Identity { issuer: "https://sso.kz".into(), subject: subject.into() }
}

fn session(byte: u8, person: &str, created_at_ms: i64) -> Session {
    let (seen_at_ms, expires_at_ms) = (created_at_ms, created_at_ms + 1_000);
    Session { hash: [byte; 32], person: person.into(), created_at_ms, seen_at_ms, expires_at_ms }
}

#[tokio::test]
async fn an_address_and_an_identity_are_of_one_person_and_a_home_must_be_there() {
    for test in test_stores().await {
        let store: &SqlStore = &test.store;
        assert_eq!(store.insert_person(person("a", "a@bank.kz")).await.unwrap(), Written::Missing);
        store.insert_tenant(Tenant::named("bank", 0)).await.unwrap();
        let generation = store.generation().await.unwrap();
        let bound = Person { identity: Some(identity("1")), ..person("a", "a@bank.kz") };
        assert_eq!(store.insert_person(bound.clone()).await.unwrap(), Written::Done);
        assert!(store.generation().await.unwrap() > generation);
        assert_eq!(store.person("a".into()).await.unwrap(), Some(bound.clone()));
        assert_eq!(store.insert_person(person("b", "a@bank.kz")).await.unwrap(), Written::Conflict);
        let same = Person { identity: Some(identity("1")), ..person("b", "b@bank.kz") };
        assert_eq!(store.insert_person(same.clone()).await.unwrap(), Written::Conflict);
        assert_eq!(store.insert_person(person("b", "b@bank.kz")).await.unwrap(), Written::Done);
        assert_eq!(store.update_person(same).await.unwrap(), Written::Conflict);
        assert_eq!(store.update_person(person("b", "a@bank.kz")).await.unwrap(), Written::Conflict);
        assert_eq!(store.person_by_email("a@bank.kz".into()).await.unwrap().unwrap().id, "a");
        assert_eq!(store.person_by_identity(identity("1")).await.unwrap().unwrap().id, "a");
        assert_eq!(store.person_by_identity(identity("2")).await.unwrap(), None);
        let all = Person { reach: Reach::Installation, frozen: true, is_granted: true, name: None, ..bound };
        assert_eq!(store.update_person(all.clone()).await.unwrap(), Written::Done);
        assert_eq!(store.update_person(all.clone()).await.unwrap(), Written::Conflict);
        assert_eq!(store.person("a".into()).await.unwrap(), Some(Person { version: 2, ..all }));
        assert_eq!(store.directory().await.unwrap().people.len(), 2);
        assert_eq!(store.delete_person("a".into(), 1).await.unwrap(), Written::Conflict);
        assert_eq!(store.delete_person("a".into(), 2).await.unwrap(), Written::Done);
        assert_eq!(store.people().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn sessions_end_with_their_time_their_number_and_their_person() {
    for test in test_stores().await {
        let store: &SqlStore = &test.store;
        store.insert_tenant(Tenant::named("bank", 0)).await.unwrap();
        for id in ["a", "b"] {
            store.insert_person(person(id, &format!("{id}@bank.kz"))).await.unwrap();
        }
        for byte in 1..=4 {
            store.insert_session(session(byte, "a", i64::from(byte)), 3).await.unwrap();
        }
        store.insert_session(session(9, "b", 0), 3).await.unwrap();
        let is_there = async |byte: u8| store.session([byte; 32]).await.unwrap().is_some();
        assert!(!is_there(1).await && is_there(2).await && is_there(4).await && is_there(9).await);
        store.touch_session([4; 32], 70).await.unwrap();
        store.touch_session([4; 32], 60).await.unwrap();
        assert_eq!(store.session([4; 32]).await.unwrap().unwrap().seen_at_ms, 70);
        assert_eq!(store.delete_expired_sessions(100, 2).await.unwrap(), 2);
        assert!(!is_there(2).await && !is_there(9).await && is_there(3).await);
        assert_eq!(store.delete_expired_sessions(1_003, 0).await.unwrap(), 1);
        // Whoever is bound for the first time stays; whoever is frozen or another one goes.
        let bound = Person { identity: Some(identity("1")), ..person("a", "a@bank.kz") };
        assert_eq!(store.update_person(bound.clone()).await.unwrap(), Written::Done);
        assert!(is_there(4).await);
        let other = Person { identity: None, version: 2, ..bound.clone() };
        assert_eq!(store.update_person(other).await.unwrap(), Written::Done);
        assert!(!is_there(4).await);
        store.insert_session(session(5, "a", 5), 3).await.unwrap();
        let frozen = Person { identity: None, frozen: true, version: 3, ..bound };
        assert_eq!(store.update_person(frozen).await.unwrap(), Written::Done);
        assert!(!is_there(5).await);
        store.insert_session(session(6, "a", 5), 3).await.unwrap();
        store.delete_session([6; 32]).await.unwrap();
        assert!(!is_there(6).await);
        store.insert_session(session(7, "a", 5), 3).await.unwrap();
        assert_eq!(store.delete_person("a".into(), 4).await.unwrap(), Written::Done);
        assert!(!is_there(7).await);
    }
}
