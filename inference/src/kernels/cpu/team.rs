//! Threads that stand ready between the many short parts of one computation.
//!
//! A step of a model is hundreds of parts of some ten microseconds; waking a thread for each costs as much again. Helpers
//! wait for the next part awake, for a while; one that comes late is not waited for, since parts are taken piece by piece.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::thread::JoinHandle;

/// Looks for a part before a helper sleeps: some hundred microseconds.
const LOOKS: usize = 4096;
/// Looks at the last pieces before the leader lets others have its core.
const LOOKS_BEFORE_YIELD: usize = 256;
/// The state's lowest bits count the helpers that are in the part, the next says whether more may enter, and the rest
/// is the part's number.
const MEMBERS: usize = (1 << 15) - 1;
const OPEN: usize = 1 << 15;
const NEXT_PART: usize = 1 << 16;

thread_local! {
    static ROLE: RefCell<Role> = const { RefCell::new(Role::None) };
}

/// What a thread is to a team.
enum Role {
    None,
    Leads(Arc<Team>),
    Helps,
}

/// A leader's helpers. Several threads may lead a team, one at a time.
pub struct Team {
    board: Arc<Board>,
    /// How many of its pieces are taken, for each thread.
    taken: Box<[Taken]>,
    /// Held as long as a part is shared out.
    part: Mutex<()>,
    helpers: Vec<JoinHandle<()>>,
}

/// Where a part is put up.
#[derive(Default)]
struct Board {
    state: AtomicUsize,
    /// To be read by members alone: the leader keeps it as long as there are any.
    part: AtomicPtr<Part<'static>>,
    num_asleep: AtomicUsize,
    ended: AtomicBool,
}

/// On a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Taken(AtomicUsize);

/// Pieces that lie beside each other are one thread's, so that it reads memory front to back; who is done with its own
/// takes others'.
struct Part<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    count: usize,
    taken: &'a [Taken],
    panicked: AtomicBool,
}

impl Part<'_> {
    /// Does pieces until all are taken, beginning with those of the thread of this number.
    fn work(&self, thread: usize) {
        let num_threads = self.taken.len();
        for owner in (thread..num_threads).chain(0..thread) {
            let end = (owner + 1) * self.count / num_threads;
            loop {
                let piece = owner * self.count / num_threads + self.taken[owner].0.fetch_add(1, Ordering::Relaxed);
                if piece >= end {
                    break;
                }
                (self.task)(piece);
            }
        }
    }
}

impl Team {
    /// With so many threads, of which the one that leads is one; with fewer if the system gives no more.
    #[must_use]
    pub fn new(num_threads: usize) -> Arc<Self> {
        let board = Arc::new(Board::default());
        let helpers = (1..num_threads.min(MEMBERS)).map_while(|index| {
            let board = Arc::clone(&board);
            let builder = std::thread::Builder::new().name(format!("kernels-{index}"));
            builder.spawn(move || board.help(index)).ok()
        });
        let helpers: Vec<_> = helpers.collect();
        let taken = (0..=helpers.len()).map(|_| Taken::default()).collect();
        Arc::new(Self { board, taken, part: Mutex::new(()), helpers })
    }

    /// From here on, kernels that this thread runs are shared out to this team.
    pub fn lead(self: &Arc<Self>) {
        ROLE.set(Role::Leads(Arc::clone(self)));
    }

    /// Calls `task` with each number below `count`, in any order. False, and nothing was called, if the team has a part
    /// already.
    fn run(&self, count: usize, task: &(dyn Fn(usize) + Sync)) -> bool {
        let _part = match self.part.try_lock() {
            Ok(guard) => guard,
            // What panicked was a task: it left nothing behind here.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        self.taken.iter().for_each(|taken| taken.0.store(0, Ordering::Relaxed));
        let part = Part { task, count, taken: &self.taken, panicked: AtomicBool::new(false) };
        let open = Open::new(self, &part);
        part.work(0);
        drop(open);
        assert!(!part.panicked.into_inner(), "a part of a computation panicked on another thread");
        true
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.board.ended.store(true, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches what panics and returns nothing.
            let _ = helper.join();
        }
    }
}

/// A part that helpers may enter. When it is dropped nobody may any more, and all have left.
struct Open<'a>(&'a Board);

impl<'a> Open<'a> {
    fn new(team: &'a Team, part: &'a Part<'_>) -> Self {
        let board = &*team.board;
        board.part.store(std::ptr::from_ref(part).cast_mut().cast(), Ordering::Relaxed);
        // The last part was left by all before its leader let go of the team.
        let state = board.state.load(Ordering::Relaxed);
        board.state.store(state.wrapping_add(NEXT_PART) | OPEN, Ordering::SeqCst);
        if board.num_asleep.load(Ordering::SeqCst) > 0 {
            team.helpers.iter().for_each(|helper| helper.thread().unpark());
        }
        Self(board)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.state.fetch_and(!OPEN, Ordering::Relaxed);
        let mut looks = 0_usize;
        // With it, what they wrote can be read.
        while self.0.state.load(Ordering::Acquire) & MEMBERS > 0 {
            looks += 1;
            if looks.is_multiple_of(LOOKS_BEFORE_YIELD) {
                std::thread::yield_now();
            } else {
                std::hint::spin_loop();
            }
        }
    }
}

impl Board {
    /// What the helper of this number does until the team ends.
    fn help(&self, number: usize) {
        ROLE.set(Role::Helps);
        let mut seen = 0;
        while let Some(part) = self.wait(seen) {
            seen = part;
            if self.enter(part) {
                // SAFETY: this thread is a member, and the leader keeps the part as long as there are any.
                let part = unsafe { &*self.part.load(Ordering::Relaxed) };
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| part.work(number))) {
                    part.panicked.store(true, Ordering::Relaxed);
                    // What is dropped might panic, and this thread would never leave.
                    std::mem::forget(payload);
                }
                self.state.fetch_sub(1, Ordering::Release);
            }
        }
    }

    /// The number of the next open part that is not the one `seen`. None at the end.
    fn wait(&self, seen: usize) -> Option<usize> {
        for _ in 0..LOOKS {
            if let Some(part) = self.open_part(seen) {
                return Some(part);
            }
            std::hint::spin_loop();
        }
        self.num_asleep.fetch_add(1, Ordering::SeqCst);
        let part = loop {
            if self.ended.load(Ordering::SeqCst) {
                break None;
            }
            // Looked at after it is known who sleeps, so that no part is missed.
            if let Some(part) = self.open_part(seen) {
                break Some(part);
            }
            std::thread::park();
        };
        self.num_asleep.fetch_sub(1, Ordering::SeqCst);
        part
    }

    fn open_part(&self, seen: usize) -> Option<usize> {
        let state = self.state.load(Ordering::SeqCst);
        let part = state & !(OPEN | MEMBERS);
        (state & OPEN > 0 && part != seen).then_some(part)
    }

    /// Becomes a member of this part, if it is still open.
    fn enter(&self, part: usize) -> bool {
        let enter = |state: usize| (state & !MEMBERS == part | OPEN).then_some(state + 1);
        self.state.fetch_update(Ordering::Acquire, Ordering::Relaxed, enter).is_ok()
    }
}

/// How many threads kernels on this thread are shared out to.
pub(super) fn num_threads() -> usize {
    ROLE.with_borrow(|role| match role {
        Role::None => rayon::current_num_threads(),
        Role::Leads(team) => team.helpers.len() + 1,
        Role::Helps => 1,
    })
}

/// Calls `task` with each number below `count`, in any order, together with this thread's team. False, and nothing was
/// called, if it has none or that is busy.
pub(super) fn run(count: usize, task: &(dyn Fn(usize) + Sync)) -> bool {
    ROLE.with_borrow(|role| match role {
        Role::Leads(team) => team.run(count, task),
        Role::None | Role::Helps => false,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    fn leading<R: Send>(team: &Arc<Team>, what: impl FnOnce() -> R + Send) -> R {
        std::thread::scope(|scope| {
            let led = scope.spawn(|| {
                team.lead();
                what()
            });
            led.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    #[test]
    fn every_piece_of_every_part_is_done_once() {
        for num_threads in [1, 2, 3, 8] {
            let team = Team::new(num_threads);
            leading(&team, || {
                for count in (0..2000).map(|part| part % 37) {
                    let done: Vec<AtomicU64> = (0..count).map(|_| AtomicU64::new(0)).collect();
                    assert!(run(count, &|index| {
                        done[index].fetch_add(1, Ordering::Relaxed);
                    }));
                    assert!(done.into_iter().all(|done| done.into_inner() == 1), "{num_threads} {count}");
                }
            });
        }
    }

    #[test]
    fn helpers_that_sleep_are_woken() {
        let team = Team::new(2);
        leading(&team, || {
            for _ in 0..20 {
                while team.board.num_asleep.load(Ordering::SeqCst) == 0 {
                    std::thread::yield_now();
                }
                let here = std::thread::current().id();
                let helped = AtomicBool::new(false);
                // A leader alone would never get past its first piece.
                assert!(run(2, &|_| {
                    if std::thread::current().id() == here {
                        while !helped.load(Ordering::Relaxed) {
                            std::hint::spin_loop();
                        }
                    } else {
                        helped.store(true, Ordering::Relaxed);
                    }
                }));
            }
        });
    }

    #[test]
    fn who_finds_the_team_busy_is_told() {
        let team = Team::new(2);
        leading(&team, || {
            assert!(run(4, &|_| {
                assert!(!run(1, &|_| {}), "a part within a part");
                assert!(!leading(&team, || run(1, &|_| {})), "another leader");
            }));
            assert!(run(1, &|_| {}), "free again");
        });
    }

    #[test]
    fn a_panic_reaches_the_leader_and_the_team_goes_on() {
        let team = Team::new(3);
        for panics_at in 0..6 {
            let panicked = catch_unwind(AssertUnwindSafe(|| {
                leading(&team, || run(6, &|index| assert!(index != panics_at, "as asked")));
            }));
            assert!(panicked.is_err(), "{panics_at}");
            let sum = AtomicU64::new(0);
            assert!(leading(&team, || run(5, &|index| {
                sum.fetch_add(index as u64, Ordering::Relaxed);
            })));
            assert_eq!(sum.into_inner(), 10);
        }
    }
}
