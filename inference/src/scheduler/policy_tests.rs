//! The scheduler's promises: one by one, and on random loads against a model of the memory.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

const BLOCK_SIZE: usize = 4;

fn scheduler(max_num_seqs: usize, max_num_batched_tokens: usize, num_blocks: u32) -> Scheduler {
    let config = SchedulerConfig { max_num_seqs, max_num_batched_tokens, window: None };
    Scheduler::new(config, BlockPool::new(num_blocks, BLOCK_SIZE))
}

/// A prompt that shares nothing with others.
fn sequence(id: u64, prompt: usize) -> Sequence {
    Sequence::new(SequenceId(id), (0..prompt as u32).map(|position| position + 1000 * id as u32).collect())
}

fn sample_all(plan: &StepPlan) -> Vec<Progress> {
    let sampling = plan.sequences.iter().filter(|planned| planned.samples);
    sampling.map(|planned| Progress { id: planned.id, num_accepted_drafts: 0, tokens: vec![7] }).collect()
}

/// Runs a step and says what it computed of whom.
fn step(scheduler: &mut Scheduler) -> (StepPlan, Vec<(u64, usize, usize)>) {
    let plan = scheduler.schedule();
    scheduler.complete(&plan, &sample_all(&plan));
    let counts = plan.sequences.iter().map(|one| (one.id.0, one.first_position, one.tokens.len())).collect();
    (plan, counts)
}

#[test]
fn long_prompts_run_in_chunks_beside_decodes() {
    let mut scheduler = scheduler(4, 8, 100);
    scheduler.add(sequence(1, 3));
    scheduler.add(sequence(2, 12));
    assert_eq!(step(&mut scheduler).1, [(1, 0, 3), (2, 0, 5)]);
    assert_eq!(step(&mut scheduler).1, [(1, 3, 1), (2, 5, 7)]);
}

#[test]
fn the_last_by_rank_gives_way_and_its_cached_blocks_come_back() {
    let mut scheduler = scheduler(4, 100, 4);
    scheduler.add(sequence(1, 8));
    scheduler.add(sequence(2, 8));
    assert_eq!(step(&mut scheduler).1.len(), 2);
    let (plan, counts) = step(&mut scheduler);
    assert_eq!(plan.preempted, [SequenceId(2)]);
    assert_eq!(counts, [(1, 8, 1)]);
    scheduler.remove(SequenceId(1));
    // One of its two blocks was taken over; the other still holds the first four tokens.
    assert_eq!(step(&mut scheduler).1, [(2, 4, 5)]);
}

#[test]
fn a_short_prompt_has_its_first_token_one_step_after_it_came_while_long_ones_are_in_prefill() {
    let mut scheduler = scheduler(64, 256, 4096 * 4);
    for id in 1..=4 {
        scheduler.add(sequence(id, 8192));
    }
    (0..5).for_each(|_| drop(step(&mut scheduler)));
    for id in 5..20 {
        scheduler.add(sequence(id, 180));
        let (plan, _) = step(&mut scheduler);
        let short = plan.sequences.iter().find(|one| one.id.0 == id).expect("it runs at once");
        assert!(short.samples, "the whole prompt fits one step");
        assert!(plan.num_tokens() <= 256);
        scheduler.remove(SequenceId(id));
    }
}

#[test]
fn a_flood_of_short_prompts_does_not_stop_a_long_one() {
    let mut scheduler = scheduler(8, 64, 4096);
    scheduler.add(sequence(1, 2000));
    let mut steps = 0;
    let mut next_id = 2;
    while scheduler.waiting.iter().chain(scheduler.running.values()).any(|one| one.tokens.len() == 2000) {
        while scheduler.num_waiting() < 8 {
            scheduler.add(sequence(next_id, 40));
            next_id += 1;
        }
        let (plan, _) = step(&mut scheduler);
        plan.sequences.iter().filter(|one| one.samples && one.id.0 > 1).for_each(|one| scheduler.remove(one.id));
        steps += 1;
        assert!(steps < 2000 / (64 / 4) + 40, "the long prompt starves");
    }
}

#[test]
fn a_long_prompt_that_found_no_room_is_passed_a_bounded_number_of_times() {
    let mut scheduler = scheduler(4, 16, 24);
    scheduler.add(sequence(1, 40));
    step(&mut scheduler);
    scheduler.add(sequence(2, 80));
    let mut passed = 0;
    for id in 3..200 {
        scheduler.add(sequence(id, 4));
        let (plan, _) = step(&mut scheduler);
        for (id, _) in plan.started {
            passed += 1;
            scheduler.remove(id);
        }
    }
    assert!(passed <= MAX_TIMES_PASSED as usize + 1, "{passed} went first");
    scheduler.remove(SequenceId(1));
    assert_eq!(step(&mut scheduler).0.started, [(SequenceId(2), 0)]);
}

#[test]
fn better_priority_goes_first_and_takes_places() {
    let mut scheduler = scheduler(2, 16, 100);
    scheduler.add(sequence(1, 4).with_priority(5));
    scheduler.add(sequence(2, 4));
    step(&mut scheduler);
    scheduler.add(sequence(3, 4).with_priority(5));
    scheduler.add(sequence(4, 4).with_priority(-1));
    let (plan, counts) = step(&mut scheduler);
    assert_eq!(plan.preempted, [SequenceId(1)]);
    assert_eq!(counts, [(4, 0, 4), (2, 4, 1)]);
}

#[test]
fn a_full_hit_computes_the_last_token_alone_and_stores_nothing() {
    let mut scheduler = scheduler(4, 64, 100);
    let prompt: Vec<u32> = (0..12).collect();
    scheduler.add(Sequence::new(SequenceId(1), prompt.clone()));
    step(&mut scheduler);
    scheduler.add(Sequence::new(SequenceId(2), prompt.clone()));
    scheduler.add(Sequence::new(SequenceId(3), prompt.clone()).with_salt("other".into()));
    scheduler.add(Sequence::new(SequenceId(4), prompt).without_cached_prefix());
    let (plan, counts) = step(&mut scheduler);
    assert_eq!(counts, [(1, 12, 1), (2, 11, 1), (3, 0, 12), (4, 0, 12)]);
    assert_eq!(plan.sequences[1].num_stored, 1);
    assert_eq!(plan.started, [(SequenceId(2), 11), (SequenceId(3), 0), (SequenceId(4), 0)]);
    assert_eq!(scheduler.prefix_stats(), PrefixStats { queries: 36, hits: 11 });
}

#[test]
fn equal_prompts_of_one_step_share_their_blocks() {
    let mut scheduler = scheduler(4, 64, 100);
    for id in 1..=3 {
        scheduler.add(Sequence::new(SequenceId(id), (0..10).collect()));
    }
    assert_eq!(step(&mut scheduler).1, [(1, 0, 10), (2, 8, 2), (3, 8, 2)]);
}

#[test]
fn drafts_fill_what_is_left_and_only_right_ones_count() {
    let mut scheduler = scheduler(4, 6, 100);
    scheduler.add(sequence(1, 4));
    step(&mut scheduler);
    assert_eq!(scheduler.decoding().count(), 1);
    scheduler.suggest(SequenceId(1), vec![50, 51, 52, 53, 54, 55, 56]);
    let plan = scheduler.schedule();
    let planned = &plan.sequences[0];
    assert_eq!((&planned.tokens[..], planned.num_drafts, planned.samples), (&[7, 50, 51, 52, 53, 54][..], 5, true));
    let progress = Progress { id: SequenceId(1), num_accepted_drafts: 2, tokens: vec![50, 51, 9] };
    scheduler.complete(&plan, &[progress]);
    let plan = scheduler.schedule();
    assert_eq!((plan.sequences[0].first_position, &plan.sequences[0].tokens[..]), (7, &[9][..]));
}

/// What a random client does before a step.
#[derive(Clone, Debug)]
enum Action {
    Submit { prompt: usize, output: usize, kind: u32, priority: i32 },
    Abort { nth: usize },
    Nothing,
}

fn action() -> impl Strategy<Value = Action> {
    let submit = (1usize..30, 1usize..30, 0u32..6, -1i32..=1);
    prop_oneof![
        3 => submit.prop_map(|(prompt, output, kind, priority)| Action::Submit { prompt, output, kind, priority }),
        1 => (0usize..40).prop_map(|nth| Action::Abort { nth }),
        3 => Just(Action::Nothing),
    ]
}

/// A client's view of a sequence, to compare the scheduler with.
struct Client {
    salt: u32,
    tokens: Vec<u32>,
    left: usize,
    computed: Option<usize>,
}

/// What a slot of the cache would hold: the whole context of its token, and whose it is.
type Slot = (u32, Vec<u32>);

#[derive(Default)]
struct Model {
    next_id: u64,
    window: Option<usize>,
    clients: HashMap<SequenceId, Client>,
    memory: HashMap<(u32, usize), Slot>,
}

impl Model {
    fn act(&mut self, scheduler: &mut Scheduler, action: &Action) {
        match *action {
            Action::Submit { prompt, output, kind, priority } => {
                // As the engine does: what cannot ever fit is not let in.
                if prompt + output > scheduler.pool().capacity_in_tokens() {
                    return;
                }
                self.next_id += 1;
                let id = SequenceId(self.next_id);
                // Few kinds, so that prefixes agree often, within and across salts.
                let tokens: Vec<u32> = (0..prompt as u32).map(|position| position / 9 * (kind / 2)).collect();
                let salt = kind % 2;
                let sequence = Sequence::new(id, tokens.clone()).with_priority(priority);
                scheduler.add(sequence.with_salt(salt.to_string().into()));
                self.clients.insert(id, Client { salt, tokens, left: output, computed: None });
            }
            Action::Abort { nth } => {
                let mut ids: Vec<_> = self.clients.keys().copied().collect();
                ids.sort();
                if let Some(id) = ids.get(nth) {
                    scheduler.remove(*id);
                    self.clients.remove(id);
                }
            }
            Action::Nothing => {}
        }
    }

    fn step(&mut self, scheduler: &mut Scheduler, drafts: usize) -> Result<(), TestCaseError> {
        let decoding: Vec<SequenceId> = scheduler.decoding().map(|(id, _)| id).collect();
        for id in decoding {
            scheduler.suggest(id, vec![3; drafts]);
        }
        let plan = scheduler.schedule();
        for id in &plan.preempted {
            self.clients.get_mut(id).expect("known").computed = None;
        }
        check_limits(scheduler, &plan)?;
        self.check_memory(&plan)?;
        let mut progress = Vec::new();
        for planned in &plan.sequences {
            let client = self.clients.get_mut(&planned.id).expect("planned sequences are known");
            client.computed = Some(planned.first_position + planned.num_known());
            if planned.samples {
                // Of the guesses, the first is right.
                let num_accepted_drafts = planned.num_drafts.min(1).min(client.left - 1);
                let tokens = vec![3; num_accepted_drafts + 1];
                client.computed = client.computed.map(|computed| computed + num_accepted_drafts);
                client.tokens.extend(&tokens);
                client.left -= tokens.len();
                progress.push(Progress { id: planned.id, num_accepted_drafts, tokens });
            }
        }
        scheduler.complete(&plan, &progress);
        let done: Vec<_> = self.clients.iter().filter(|(_, client)| client.left == 0).map(|(id, _)| *id).collect();
        for id in done {
            self.clients.remove(&id);
            scheduler.remove(id);
        }
        Ok(())
    }

    /// Stores what the plan stores, then looks whether every sequence finds its own context.
    fn check_memory(&mut self, plan: &StepPlan) -> Result<(), TestCaseError> {
        for planned in &plan.sequences {
            let client = &self.clients[&planned.id];
            let known = client.computed.unwrap_or(planned.first_position);
            prop_assert_eq!(planned.first_position, known, "a token was skipped or run twice");
            let mut context = client.tokens[..planned.first_position].to_vec();
            for (offset, token) in planned.tokens.iter().enumerate() {
                context.push(*token);
                let position = planned.first_position + offset;
                if offset >= planned.num_stored {
                    let slot = (planned.block_table[position / BLOCK_SIZE], position % BLOCK_SIZE);
                    self.memory.insert(slot, (client.salt, context.clone()));
                }
            }
        }
        for planned in &plan.sequences {
            let client = &self.clients[&planned.id];
            let end = planned.first_position + planned.num_known();
            let first_seen = self.window.map_or(0, |window| (planned.first_position + 1).saturating_sub(window));
            for position in first_seen..end {
                let slot = (planned.block_table[position / BLOCK_SIZE], position % BLOCK_SIZE);
                let expected = (client.salt, client.tokens[..=position].to_vec());
                prop_assert_eq!(self.memory.get(&slot), Some(&expected), "another context at {}", position);
            }
        }
        Ok(())
    }
}

fn check_limits(scheduler: &Scheduler, plan: &StepPlan) -> Result<(), TestCaseError> {
    let config = scheduler.config;
    prop_assert!(plan.num_tokens() <= config.max_num_batched_tokens);
    prop_assert!(scheduler.num_running() <= config.max_num_seqs);
    prop_assert!(!plan.is_empty() || scheduler.is_idle(), "work waits but nothing is planned");
    prop_assert_eq!(plan.sequences.len(), scheduler.num_running(), "a running sequence stands still");
    prop_assert!(scheduler.waiting.iter().all(|sequence| sequence.block_table.num_blocks() == 0));
    let mut shares = vec![0; scheduler.pool.num_blocks()];
    for sequence in scheduler.running.values() {
        let held = sequence.block_table.indices().into_iter().filter(|block| *block != crate::kv_cache::NO_BLOCK);
        held.for_each(|block| shares[block as usize] += 1);
    }
    prop_assert_eq!(scheduler.pool.num_free(), shares.iter().filter(|shares| **shares == 0).count());
    prop_assert_eq!(scheduler.pool.shares(), shares);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn limits_blocks_and_contexts_hold_and_everyone_finishes(
        limits in (1usize..8, 1usize..40, 1u32..24),
        hash_mask in prop_oneof![Just(u64::MAX), Just(0)],
        window in prop_oneof![2 => Just(None), 1 => (1usize..20).prop_map(Some)],
        drafts in 0usize..4,
        actions in prop::collection::vec(action(), 1..80),
    ) {
        let (max_num_seqs, max_num_batched_tokens, num_blocks) = limits;
        let config = SchedulerConfig { max_num_seqs, max_num_batched_tokens, window };
        let pool = BlockPool::with_hash_mask(num_blocks, BLOCK_SIZE, hash_mask);
        let mut scheduler = Scheduler::new(config, pool);
        let mut model = Model { window, ..Model::default() };
        for action in &actions {
            model.act(&mut scheduler, action);
            model.step(&mut scheduler, drafts)?;
        }
        // Each step without preemption moves the first by rank on; this bound is generous.
        let mut steps = 0;
        while !scheduler.is_idle() {
            model.step(&mut scheduler, drafts)?;
            steps += 1;
            prop_assert!(steps < 20_000, "a sequence starves");
        }
        prop_assert!(model.clients.is_empty());
        prop_assert_eq!(scheduler.pool.num_free(), num_blocks as usize);
    }
}
