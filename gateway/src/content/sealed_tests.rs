//! Sealed content comes back whole as what it was, or not at all.

use proptest::prelude::*;

use super::*;
use crate::content::{Kind, Owner, Subjects};

fn keys(fill: u8) -> ContentKeys {
    ContentKeys::new(MasterKey::new([fill; 32]), Vec::new())
}

fn item(content: &[u8]) -> Item {
    Item {
        owner: Owner { tenant: "bank".into(), project: "support".into(), key_id: "k1".into() },
        subjects: Subjects { user: Some("u1".into()), conversation: None },
        kind: Kind::Replay,
        name: vec![b"name".to_vec()],
        content: content.to_vec(),
        expires_at_ms: 1_000,
    }
}

fn row(content: &[u8]) -> Row {
    seal(&keys(7), item(content), [3; RANDOM_BYTES]).unwrap()
}

#[test]
fn a_row_that_was_moved_or_renamed_is_not_opened() {
    let own = row(b"Aigul");
    assert_eq!(open(&keys(7), &own).unwrap(), b"Aigul");
    let changes: [fn(&mut Row); 8] = [
        |row| row.owner.tenant = "clinic".into(),
        |row| row.owner.project = "sales".into(),
        |row| row.owner.key_id = "k2".into(),
        |row| row.kind = Kind::Cache,
        |row| row.address[0] ^= 1,
        |row| row.user_hash = None,
        |row| row.conversation_hash = Some([1; 32]),
        |row| row.expires_at_ms += 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut moved = own.clone();
        change(&mut moved);
        assert_eq!(open(&keys(7), &moved), Err(OpenError::NotAuthentic), "{number}");
    }
    assert_eq!(open(&keys(8), &own), Err(OpenError::UnknownKey));
}

#[test]
fn an_old_master_opens_and_the_new_one_seals() {
    let old = row(b"before");
    let rotated = ContentKeys::new(MasterKey::new([8; 32]), vec![MasterKey::new([7; 32])]);
    assert_eq!(open(&rotated, &old).unwrap(), b"before");
    assert!(rotated.addresses("bank", Kind::Replay, &[b"name"]).contains(&old.address));
    let new = seal(&rotated, item(b"after"), [4; RANDOM_BYTES]).unwrap();
    assert_eq!(open(&keys(8), &new).unwrap(), b"after");
    assert_eq!(open(&keys(7), &new), Err(OpenError::UnknownKey));
    assert_eq!(rotated.addresses("bank", Kind::Replay, &[b"name"])[0], new.address);
}

proptest! {
    #[test]
    fn what_was_sealed_comes_back_and_any_changed_byte_is_noticed(
        content in proptest::collection::vec(any::<u8>(), 0..200),
        random in proptest::array::uniform28(any::<u8>()),
        at in any::<proptest::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let row = seal(&keys(7), item(&content), random).unwrap();
        prop_assert_eq!(open(&keys(7), &row).unwrap(), content.clone());
        prop_assert!(content.len() < 4 || !row.sealed.windows(content.len()).any(|window| window == content));
        let mut changed = row.clone();
        let at = at.index(row.sealed.len());
        changed.sealed[at] ^= 1 << bit;
        prop_assert!(open(&keys(7), &changed).is_err());
        let mut cut = row.clone();
        cut.sealed.truncate(at);
        prop_assert!(open(&keys(7), &cut).is_err());
    }
}
