//! Claims of acts: one does it, and what is known of it afterwards is true, whoever crashed.

use super::super::test_store::test_stores;
use super::super::{Store as _, TenancyStore as _, Written};
use super::*;
use crate::auth::Tenant;

fn claim(token: u8, fingerprint: u8, leased_until_ms: i64) -> ActClaim {
    let name = ActName { tenant: "bank".into(), key_id: "k1".into(), address: [7; 32] };
    let (fingerprint, token) = ([fingerprint; 32], [token; 16]);
    ActClaim { name, fingerprint, token, leased_until_ms, expires_at_ms: 1_000 }
}

#[tokio::test]
async fn one_claims_and_the_others_learn_what_became_of_it() {
    for test in test_stores().await {
        let acts = test.store.acts();
        let (first, second) = (claim(1, 1, 60), claim(2, 1, 60));
        assert_eq!(acts.claim(first.clone(), 0, 9).await.unwrap(), Claimed::Ours);
        assert_eq!(acts.claim(second.clone(), 0, 9).await.unwrap(), Claimed::Running);
        assert_eq!(acts.claim(claim(2, 2, 60), 0, 9).await.unwrap(), Claimed::Other);
        let mut theirs = claim(2, 2, 60);
        theirs.name.key_id = "k2".into();
        assert_eq!(acts.claim(theirs.clone(), 0, 9).await.unwrap(), Claimed::Ours);
        acts.answered(first.name.clone(), first.token, Some(vec![5])).await.unwrap();
        let answered = Claimed::Answered { sealed: vec![5], expires_at_ms: 1_000 };
        assert_eq!(acts.claim(second.clone(), 999, 9).await.unwrap(), answered);
        acts.give_up(first.name.clone(), first.token).await.unwrap();
        assert_eq!(acts.claim(second.clone(), 999, 9).await.unwrap(), answered);
        assert_eq!(acts.claim(ActClaim { expires_at_ms: 2_000, ..second }, 1_000, 9).await.unwrap(), Claimed::Ours);
        assert_eq!(acts.delete_expired(1_000).await.unwrap(), 1);
        assert_eq!(acts.claim(theirs, 1_000, 9).await.unwrap(), Claimed::Ours);
    }
}

#[tokio::test]
async fn what_has_done_nothing_is_taken_over_and_then_does_nothing_any_more() {
    for test in test_stores().await {
        let (acts, store) = (test.store.acts(), &test.store);
        let (first, second) = (claim(1, 1, 60), claim(2, 1, 120));
        acts.claim(first.clone(), 0, 9).await.unwrap();
        assert_eq!(acts.claim(second.clone(), 59, 9).await.unwrap(), Claimed::Running);
        assert_eq!(acts.claim(second.clone(), 60, 9).await.unwrap(), Claimed::Ours);
        let late = acting(first.name.clone(), first.token, store.insert_tenant(Tenant::named("late", 0))).await;
        assert!(matches!(late, Err(StoreError::ClaimLost)), "{late:?}");
        assert_eq!(store.tenants().await.unwrap(), []);
        let done = acting(second.name.clone(), second.token, store.insert_tenant(Tenant::named("new", 0))).await;
        assert_eq!(done.unwrap(), Written::Done);
        // Its gateway ends here, and the answer with it.
        assert_eq!(acts.claim(claim(3, 1, 200), 100, 9).await.unwrap(), Claimed::Running);
        assert_eq!(acts.claim(claim(3, 1, 200), 120, 9).await.unwrap(), Claimed::Unanswered);
    }
}

#[tokio::test]
async fn an_act_that_failed_leaves_its_name_free_and_one_that_was_begun_does_not() {
    for test in test_stores().await {
        let (acts, store) = (test.store.acts(), &test.store);
        store.insert_tenant(Tenant::named("bank", 0)).await.unwrap();
        let own = claim(1, 1, 60);
        acts.claim(own.clone(), 0, 9).await.unwrap();
        let again = acting(own.name.clone(), own.token, store.insert_tenant(Tenant::named("bank", 0))).await;
        assert_eq!(again.unwrap(), Written::Conflict);
        acts.give_up(own.name.clone(), own.token).await.unwrap();
        assert_eq!(acts.claim(claim(2, 2, 60), 0, 9).await.unwrap(), Claimed::Ours);
        let second = claim(2, 2, 60);
        acting(second.name.clone(), second.token, store.insert_tenant(Tenant::named("new", 0))).await.unwrap();
        acts.give_up(second.name.clone(), second.token).await.unwrap();
        assert_eq!(acts.claim(claim(3, 2, 60), 0, 9).await.unwrap(), Claimed::Unanswered);
    }
}

#[tokio::test]
async fn names_of_one_caller_are_bounded() {
    for test in test_stores().await {
        let acts = test.store.acts();
        for (number, claimed) in [(1, Claimed::Ours), (2, Claimed::Ours), (3, Claimed::Full), (1, Claimed::Running)] {
            let mut own = claim(number, 1, 60);
            own.name.address = [number; 32];
            assert_eq!(acts.claim(own, 0, 2).await.unwrap(), claimed, "{number}");
        }
    }
}
