//! The scheduler's promises, checked on random loads.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

const BLOCK_SIZE: usize = 4;

fn scheduler(max_num_seqs: usize, max_num_batched_tokens: usize, num_blocks: u32) -> Scheduler {
    let config = SchedulerConfig { max_num_seqs, max_num_batched_tokens };
    Scheduler::new(config, BlockPool::new(num_blocks, BLOCK_SIZE))
}

fn sequence(id: u64, prompt: usize) -> Sequence {
    Sequence::new(SequenceId(id), (0..prompt as u32).collect())
}

fn sample_all(plan: &StepPlan) -> Vec<(SequenceId, u32)> {
    plan.sequences.iter().filter(|planned| planned.samples).map(|planned| (planned.id, 7)).collect()
}

#[test]
fn long_prompts_run_in_chunks_beside_decodes() {
    let mut scheduler = scheduler(4, 8, 100);
    scheduler.add(sequence(1, 3));
    scheduler.add(sequence(2, 12));
    let plan = scheduler.schedule();
    let counts: Vec<_> = plan.sequences.iter().map(|p| (p.id.0, p.tokens.len(), p.samples)).collect();
    assert_eq!(counts, [(1, 3, true), (2, 5, false)]);
    scheduler.complete(&plan, &sample_all(&plan));
    let plan = scheduler.schedule();
    let counts: Vec<_> = plan.sequences.iter().map(|p| (p.id.0, p.first_position, p.tokens.len(), p.samples)).collect();
    assert_eq!(counts, [(1, 3, 1, true), (2, 5, 7, true)]);
}

#[test]
fn the_youngest_gives_way_and_comes_back_first() {
    let mut scheduler = scheduler(4, 100, 4);
    scheduler.add(sequence(1, 8));
    scheduler.add(sequence(2, 8));
    scheduler.add(sequence(3, 1));
    let plan = scheduler.schedule();
    assert_eq!(plan.sequences.len(), 2);
    scheduler.complete(&plan, &sample_all(&plan));
    let plan = scheduler.schedule();
    assert_eq!(plan.preempted, [SequenceId(2)]);
    assert_eq!(plan.sequences.iter().map(|p| p.id.0).collect::<Vec<_>>(), [1]);
    scheduler.remove(SequenceId(1));
    let plan = scheduler.schedule();
    let first = &plan.sequences[0];
    assert_eq!((first.id.0, first.first_position, first.tokens.len()), (2, 0, 9));
}

/// What a random client does before a step.
#[derive(Clone, Debug)]
enum Action {
    Submit { prompt: usize, output: usize },
    Abort { nth: usize },
    Nothing,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => (1usize..30, 1usize..30).prop_map(|(prompt, output)| Action::Submit { prompt, output }),
        1 => (0usize..40).prop_map(|nth| Action::Abort { nth }),
        3 => Just(Action::Nothing),
    ]
}

/// A client's view of its sequences, to compare the scheduler with.
#[derive(Default)]
struct Model {
    next_id: u64,
    tokens_left: HashMap<SequenceId, usize>,
    computed: HashMap<SequenceId, usize>,
}

impl Model {
    fn act(&mut self, scheduler: &mut Scheduler, action: &Action) {
        match action {
            Action::Submit { prompt, output } => {
                // As the engine does: what cannot ever fit is not let in.
                let capacity = scheduler.pool().capacity_in_tokens();
                if prompt + output > capacity {
                    return;
                }
                self.next_id += 1;
                self.tokens_left.insert(SequenceId(self.next_id), *output);
                scheduler.add(sequence(self.next_id, *prompt));
            }
            Action::Abort { nth } => {
                let mut ids: Vec<_> = self.tokens_left.keys().copied().collect();
                ids.sort();
                if let Some(id) = ids.get(*nth) {
                    scheduler.remove(*id);
                    self.tokens_left.remove(id);
                    self.computed.remove(id);
                }
            }
            Action::Nothing => {}
        }
    }

    fn step(&mut self, scheduler: &mut Scheduler) -> Result<(), TestCaseError> {
        let plan = scheduler.schedule();
        for id in &plan.preempted {
            self.computed.remove(id);
        }
        self.check(scheduler, &plan)?;
        let sampled = sample_all(&plan);
        scheduler.complete(&plan, &sampled);
        for planned in &plan.sequences {
            self.computed.insert(planned.id, planned.first_position + planned.tokens.len());
        }
        for (id, _) in sampled {
            let left = self.tokens_left.get_mut(&id).expect("planned sequences are known");
            *left -= 1;
            if *left == 0 {
                self.tokens_left.remove(&id);
                self.computed.remove(&id);
                scheduler.remove(id);
            }
        }
        Ok(())
    }

    fn check(&self, scheduler: &Scheduler, plan: &StepPlan) -> Result<(), TestCaseError> {
        let config = scheduler.config;
        prop_assert!(plan.num_tokens() <= config.max_num_batched_tokens);
        prop_assert!(scheduler.num_running() <= config.max_num_seqs);
        prop_assert!(!plan.is_empty() || scheduler.is_idle(), "work waits but nothing is planned");
        let mut held = HashSet::new();
        let mut count = 0;
        for sequence in scheduler.running.iter().chain(&scheduler.waiting) {
            count += sequence.block_table.num_blocks();
            held.extend(sequence.block_table.indices());
        }
        prop_assert_eq!(held.len(), count, "a block is shared");
        prop_assert_eq!(count + scheduler.pool.num_free(), scheduler.pool.num_blocks());
        prop_assert!(scheduler.waiting.iter().all(|sequence| sequence.block_table.num_blocks() == 0));
        let order: Vec<_> = scheduler.running.iter().chain(&scheduler.waiting).map(Sequence::id).collect();
        prop_assert!(order.is_sorted(), "not first come, first served: {:?}", order);
        for planned in &plan.sequences {
            let known = self.computed.get(&planned.id).copied().unwrap_or(0);
            prop_assert_eq!(planned.first_position, known, "a token was skipped or run twice");
            let end = planned.first_position + planned.tokens.len();
            prop_assert!(planned.block_table.len() * BLOCK_SIZE >= end, "tokens without a block");
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn limits_blocks_and_order_hold_and_everyone_finishes(
        max_num_seqs in 1usize..8,
        budget in 1usize..40,
        num_blocks in 1u32..24,
        actions in prop::collection::vec(action(), 1..80),
    ) {
        let mut scheduler = scheduler(max_num_seqs, budget, num_blocks);
        let mut model = Model::default();
        for action in &actions {
            model.act(&mut scheduler, action);
            model.step(&mut scheduler)?;
        }
        // Each step without preemption moves the oldest sequence on; this bound is generous.
        let mut steps = 0;
        while !scheduler.is_idle() {
            model.step(&mut scheduler)?;
            steps += 1;
            prop_assert!(steps < 20_000, "a sequence starves");
        }
        prop_assert!(model.tokens_left.is_empty());
        prop_assert_eq!(scheduler.pool.num_free(), num_blocks as usize);
    }
}
