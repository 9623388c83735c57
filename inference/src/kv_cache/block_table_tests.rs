//! Sharing, caching and giving back, against a plain model.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn salt(name: &str) -> Arc<str> {
    Arc::from(name)
}

fn table(name: &str) -> BlockTable {
    BlockTable::new(salt(name))
}

#[test]
fn grows_by_whole_blocks_and_all_or_nothing() {
    let mut pool = BlockPool::new(4, 16);
    let mut table = table("");
    assert!(table.grow(&mut pool, 17));
    assert_eq!((table.num_blocks(), pool.num_free()), (2, 2));
    assert!(table.grow(&mut pool, 32));
    assert_eq!(pool.num_free(), 2);
    assert!(!table.grow(&mut pool, 65));
    assert_eq!((table.num_blocks(), pool.num_free()), (2, 2));
    table.release(&mut pool, salt(""));
    assert_eq!((table.num_blocks(), pool.num_free()), (0, 4));
}

/// Fills a new table with `tokens` and publishes what is full.
fn filled(pool: &mut BlockPool, name: &str, tokens: &[u32]) -> BlockTable {
    let mut table = table(name);
    let prefix = pool.cached_prefix(&salt(name), tokens);
    table.adopt(pool, &prefix);
    assert!(table.grow(pool, tokens.len()));
    table.publish(pool, tokens);
    table
}

#[test]
fn a_prefix_is_shared_while_held_and_found_after_it_was_freed() {
    let mut pool = BlockPool::new(8, 4);
    let tokens: Vec<u32> = (0..10).collect();
    let mut first = filled(&mut pool, "a", &tokens);
    let mut second = filled(&mut pool, "a", &tokens);
    assert_eq!(first.indices()[..2], second.indices()[..2]);
    assert_ne!(first.indices()[2], second.indices()[2]);
    assert_eq!(pool.num_free(), 4);
    first.release(&mut pool, salt("a"));
    second.release(&mut pool, salt("a"));
    assert_eq!(pool.num_free(), 8);
    let prefix = pool.cached_prefix(&salt("a"), &tokens);
    assert_eq!((prefix.num_blocks(), prefix.num_free), (2, 2));
}

#[test]
fn contents_are_forgotten_oldest_first_and_ends_before_beginnings() {
    let mut pool = BlockPool::new(4, 2);
    let (old, new) = ([1, 2, 3, 4], [5, 6, 7, 8]);
    filled(&mut pool, "", &old).release(&mut pool, salt(""));
    filled(&mut pool, "", &new).release(&mut pool, salt(""));
    let found = |pool: &BlockPool, tokens: &[u32]| pool.cached_prefix(&salt(""), tokens).num_blocks();
    assert_eq!((found(&pool, &old), found(&pool, &new)), (2, 2));
    let mut third = table("");
    assert!(third.grow(&mut pool, 2));
    assert_eq!((found(&pool, &old), found(&pool, &new)), (1, 2));
    third.release(&mut pool, salt(""));
    let mut fourth = table("");
    assert!(fourth.grow(&mut pool, 2));
    assert_eq!((found(&pool, &old), found(&pool, &new)), (1, 2), "a block without a content goes first");
}

#[test]
fn neither_another_tenant_nor_another_context_is_found_even_when_all_hashes_collide() {
    let mut pool = BlockPool::with_hash_mask(16, 2, 0);
    let _first = filled(&mut pool, "a", &[1, 2, 3, 4]);
    let _second = filled(&mut pool, "a", &[9, 9, 3, 4]);
    let found = |name: &str, tokens: &[u32]| pool.cached_prefix(&salt(name), tokens).num_blocks();
    assert_eq!(found("b", &[1, 2, 3, 4]), 0);
    assert_eq!(found("", &[1, 2, 3, 4]), 0);
    assert_eq!(found("a", &[3, 4]), 0);
    assert_eq!(found("a", &[1, 2, 9, 9]), 1);
    assert_eq!(found("a", &[1, 2, 3, 4]), 2);
}

#[test]
fn blocks_behind_a_window_are_given_back() {
    let mut pool = BlockPool::new(8, 4);
    let mut table = filled(&mut pool, "", &(0..16).collect::<Vec<_>>());
    table.give_back_before(&mut pool, 9);
    assert_eq!((table.num_blocks(), pool.num_free()), (2, 6));
    assert_eq!(table.indices()[..2], [NO_BLOCK; 2]);
    assert!(table.grow(&mut pool, 17));
    assert_eq!(table.num_slots(&pool), 20);
    table.release(&mut pool, salt(""));
    assert_eq!(pool.num_free(), 8);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_block_is_lost_or_freed_twice_and_contents_are_right(
        num_blocks in 1u32..20,
        hash_mask in prop_oneof![Just(u64::MAX), Just(1), Just(0)],
        steps in prop::collection::vec((0usize..6, 0usize..24, 0u32..3, 0u8..6), 0..150),
    ) {
        let mut pool = BlockPool::with_hash_mask(num_blocks, 4, hash_mask);
        let mut tables: Vec<(BlockTable, Vec<u32>)> = (0..6).map(|_| (table("0"), Vec::new())).collect();
        // What each block was last filled with, context included.
        let mut memory: HashMap<u32, (String, Vec<u32>)> = HashMap::new();
        for (index, length, kind, action) in steps {
            let (table, tokens) = &mut tables[index];
            let name = (kind % 2).to_string();
            if action == 0 {
                table.give_back_before(&mut pool, length);
            } else {
                table.release(&mut pool, salt(&name));
                // Few different tokens, so that beginnings agree often.
                *tokens = (0..length as u32).map(|position| position / 5 * kind).collect();
                let prefix = pool.cached_prefix(&salt(&name), tokens);
                table.adopt(&mut pool, &prefix);
                for (block, end) in table.indices().iter().zip((4..).step_by(4)) {
                    let expected = (name.clone(), tokens[..end].to_vec());
                    prop_assert_eq!(memory.get(block), Some(&expected), "a block of another context was found");
                }
                if table.grow(&mut pool, tokens.len()) {
                    for (block, end) in table.indices().iter().zip((4..).step_by(4)).skip(prefix.num_blocks()) {
                        memory.insert(*block, (name.clone(), tokens[..end.min(tokens.len())].to_vec()));
                    }
                    table.publish(&mut pool, tokens);
                }
            }
            let mut shares = vec![0; num_blocks as usize];
            for block in tables.iter().flat_map(|(table, _)| table.indices()).filter(|block| *block != NO_BLOCK) {
                shares[block as usize] += 1;
            }
            prop_assert_eq!(&pool.shares(), &shares);
            prop_assert_eq!(pool.num_free(), shares.iter().filter(|shares| **shares == 0).count());
        }
    }
}
