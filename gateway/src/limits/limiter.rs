//! The limiter of one process: counts in memory, each scope behind a lock of its own.
//!
//! Scopes lie in shards. A shard is locked only to find a scope, and a scope is never held while a shard is waited for;
//! the scopes of a claim are locked from key to customer. So no two requests ever wait for each other in a circle.
//! Every claim also looks at a few other scopes, shard by shard, and forgets those that have nothing left.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indexmap::{Equivalent, IndexMap};

use super::calendar::UtcOffset;
use super::claim::{Amounts, Bound, Claim, Used};
use super::counts::{Counts, Mark};
use super::ledger::Seed;
use super::outcome::{Crossing, Refusal, Settled, Shortage};
use super::reservation::{Part, Reservation};
use super::scope::{Level, PerLevel, Scope, Sum};
use super::standing::Standing;
use super::state::ScopeState;

const SHARDS: usize = 64;
/// Scopes that are looked at with each claim: more than ever come in with it.
const LOOKS: usize = 4;

#[derive(Debug)]
pub struct LocalLimiter {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    /// The shard in which scopes to forget are looked for next.
    next: AtomicUsize,
    offset: UtcOffset,
}

#[derive(Debug, Default)]
struct Shard {
    scopes: IndexMap<Scope, Arc<Cell>>,
    /// Where it is looked for scopes to forget.
    hand: usize,
}

/// One scope with its counts.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) scope: Scope,
    counts: Mutex<Counts>,
}

/// A claim that was let through.
#[derive(Debug)]
pub struct Reserved {
    pub reservation: Reservation,
    pub standing: Standing,
    pub crossings: Vec<Crossing>,
}

impl Cell {
    pub(super) fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scope that is looked up without being made.
#[derive(Hash)]
struct Named<'a> {
    level: Level,
    name: &'a str,
}

impl Equivalent<Scope> for Named<'_> {
    fn equivalent(&self, scope: &Scope) -> bool {
        self.level == scope.level && self.name == &*scope.name
    }
}

impl LocalLimiter {
    pub fn new(offset: UtcOffset) -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { shards, hasher: RandomState::new(), next: AtomicUsize::new(0), offset }
    }

    /// Counts all that is claimed, at every level.
    ///
    /// # Errors
    /// One level has no room; nothing was counted.
    pub fn reserve(&self, claim: &Claim<'_>, now_ms: u64) -> Result<Reserved, Refusal> {
        self.forget_some(now_ms);
        let amounts = claim.amounts();
        let found: Found<'_> =
            claim.bounds().map(|named| named.map(|(level, bound)| (self.cell(level, bound.name), bound)));
        let mut locked: Locked<'_> = found.each_ref().map(|level| level.as_ref().map(|(cell, _)| cell.lock()));
        let mut worst: Option<(&Scope, Shortage)> = None;
        let mut standing = Standing::default();
        for (counts, (cell, bound)) in locked.iter_mut().flatten().zip(found.iter().flatten()) {
            counts.advance(self.offset, now_ms);
            standing = standing.tightest(counts.standing(bound.limits, now_ms));
            let shortage = counts.shortage(bound.limits, amounts, now_ms).map(|shortage| (&cell.scope, shortage));
            let longer = |a: (_, Shortage), b: (_, Shortage)| if b.1.wait_ms() > a.1.wait_ms() { b } else { a };
            worst = worst.into_iter().chain(shortage).reduce(longer);
        }
        if let Some((scope, Shortage { measure, limit, retry_after_ms })) = worst {
            return Err(Refusal { scope: scope.clone(), measure, limit, retry_after_ms, standing });
        }
        let mut settled = Settled::default();
        let marks: PerLevel<Mark> = std::array::from_fn(|at| {
            let (counts, (cell, bound)) = locked[at].as_mut().zip(found[at].as_ref())?;
            let mark = counts.reserve(amounts, now_ms);
            settled.standing = settled.standing.tightest(counts.standing(bound.limits, now_ms));
            counts.note_crossings(&cell.scope, bound.limits, &mut settled.crossings);
            Some(mark)
        });
        drop(locked);
        let mut marks = marks.into_iter();
        let parts = found.map(|level| {
            let mark = marks.next().flatten();
            level.zip(mark).map(|((cell, bound), mark)| Part { cell, limits: Arc::clone(bound.limits), mark })
        });
        let Settled { standing, crossings } = settled;
        Ok(Reserved { reservation: Reservation::new(parts, amounts, self.offset), standing, crossings })
    }

    /// What was used without a reservation: before this process began, or by another one.
    pub fn note_used(&self, scope: &Scope, used: Used, at_ms: u64) {
        self.cell(scope.level, &scope.name).lock().note(used.or(Amounts::NOTHING), self.offset, at_ms);
    }

    /// Sets what of a sum was used in the period that now is. What is reserved stays.
    pub fn seed(&self, scope: &Scope, sum: Sum, seed: Seed, now_ms: u64) {
        let cell = self.cell(scope.level, &scope.name);
        let mut counts = cell.lock();
        counts.advance(self.offset, now_ms);
        counts.seed(sum, seed);
    }

    /// Nothing for a scope that has nothing in any window.
    pub fn state(&self, scope: &Scope, now_ms: u64) -> Option<ScopeState> {
        let cell = Arc::clone(self.shard(scope.level, &scope.name).scopes.get(scope)?);
        let mut counts = cell.lock();
        counts.advance(self.offset, now_ms);
        Some(counts.state())
    }

    fn cell(&self, level: Level, name: &Arc<str>) -> Arc<Cell> {
        let mut shard = self.shard(level, name);
        if let Some(cell) = shard.scopes.get(&Named { level, name }) {
            return Arc::clone(cell);
        }
        let scope = Scope { level, name: Arc::clone(name) };
        let cell = Arc::new(Cell { scope: scope.clone(), counts: Mutex::default() });
        shard.scopes.insert(scope, Arc::clone(&cell));
        cell
    }

    fn shard(&self, level: Level, name: &str) -> MutexGuard<'_, Shard> {
        let hash = self.hasher.hash_one(Named { level, name });
        self.shards[hash as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One shard after the other. Where one is in use, it is another's turn.
    fn forget_some(&self, now_ms: u64) {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % SHARDS;
        if let Ok(mut shard) = self.shards[at].try_lock() {
            shard.forget_some(now_ms);
        }
    }

    #[cfg(test)]
    pub(super) fn scopes(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap().scopes.len()).sum()
    }
}

impl Shard {
    /// A scope that somebody else holds is left alone: with the shard locked, nobody can begin to.
    fn forget_some(&mut self, now_ms: u64) {
        for _ in 0..LOOKS.min(self.scopes.len()) {
            self.hand %= self.scopes.len();
            let is_over = self
                .scopes
                .get_index(self.hand)
                .is_some_and(|(_, cell)| Arc::strong_count(cell) == 1 && cell.lock().rest(now_ms));
            if is_over {
                self.scopes.swap_remove_index(self.hand);
            } else {
                self.hand += 1;
            }
            if self.scopes.is_empty() {
                self.scopes.shrink_to_fit();
                break;
            }
        }
    }
}

/// The levels of a claim that are bounded.
type Found<'a> = PerLevel<(Arc<Cell>, Bound<'a>)>;
/// Their counts, in the same places.
type Locked<'a> = PerLevel<MutexGuard<'a, Counts>>;
