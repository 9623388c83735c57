//! An answer under way that more than one client may hear: each gets all of it, from its beginning.
//!
//! What was said is kept as long as there is room for it, and until then a further client may join. Without that room it goes
//! on to those who listen, no faster than the slowest of them reads. When nobody listens any more, it ends.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use shekara_protocol::error::ApiError;
use tokio::sync::watch;

use super::facts::{Ended, Facts};

/// How far the slowest client may be behind where not all is kept.
const WINDOW_BYTES: usize = 256 << 10;

/// What an answer is, before any of it.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) form: Form,
    pub(super) facts: Facts,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    Json,
    Text,
    Events,
    /// Of this content type.
    Bytes(String),
}

/// What answers under way may take together, and one of them.
#[derive(Debug)]
pub(super) struct Room {
    used: AtomicUsize,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RoomLimits {
    pub(super) one_bytes: usize,
    pub(super) all_bytes: usize,
}

pub(super) struct Live {
    limits: RoomLimits,
    room: Arc<Room>,
    state: Mutex<State>,
    /// Counts what was said.
    said: watch::Sender<u64>,
    /// Counts what was heard, and who left.
    heard: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    head: Option<Result<Head, ApiError>>,
    chunks: VecDeque<Bytes>,
    /// The number of the first of `chunks`.
    first: usize,
    bytes: usize,
    is_cut: bool,
    /// The answer's record was made before the chunk of this number, and how the answer ended.
    settled: Option<(usize, Arc<Ended>)>,
    has_ended: bool,
    is_abandoned: bool,
    /// What each listener has heard.
    positions: HashMap<u64, usize>,
    num_listeners: u64,
}

/// Why a client could not join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotJoined {
    /// It ends, for nobody listened.
    Gone,
    /// Its beginning is not kept any more.
    Cut,
}

impl Live {
    pub(super) fn new(limits: RoomLimits, room: Arc<Room>) -> Arc<Self> {
        let state = Mutex::default();
        Arc::new(Self { limits, room, state, said: watch::Sender::new(0), heard: watch::Sender::new(0) })
    }

    pub(super) fn join(self: &Arc<Self>) -> Result<Ear, NotJoined> {
        let mut state = self.lock();
        if state.is_cut {
            return Err(NotJoined::Cut);
        }
        if state.is_over() {
            return Err(NotJoined::Gone);
        }
        state.num_listeners += 1;
        let number = state.num_listeners;
        state.positions.insert(number, 0);
        Ok(Ear { live: Arc::clone(self), number, said: self.said.subscribe() })
    }

    pub(super) fn begin(&self, head: Result<Head, ApiError>) {
        self.lock().head = Some(head);
        self.tell();
    }

    /// One more piece, `settled` if the record was made before it. Waits where a listener is too far behind.
    pub(super) async fn say(&self, chunk: Bytes, settled: Option<Ended>) {
        let mut heard = self.heard.subscribe();
        {
            let mut state = self.lock();
            state.note_settled(settled);
            let has_room = !state.is_cut
                && state.bytes + chunk.len() <= self.limits.one_bytes
                && self.room.take(chunk.len(), self.limits.all_bytes);
            if !has_room && !state.is_cut {
                state.is_cut = true;
                self.room.give_back(state.bytes);
            }
            state.bytes += chunk.len();
            state.chunks.push_back(chunk);
            state.forget_heard();
        }
        self.tell();
        while self.lock().is_behind() {
            if heard.changed().await.is_err() {
                return;
            }
        }
    }

    pub(super) fn end(&self, settled: Option<Ended>) {
        {
            let mut state = self.lock();
            state.note_settled(settled);
            state.head.get_or_insert(Err(ApiError::internal()));
            state.has_ended = true;
        }
        self.tell();
    }

    pub(super) fn num_listeners(&self) -> usize {
        self.lock().positions.len()
    }

    /// Everything that was said, if it was kept.
    pub(super) fn whole(&self) -> Option<Vec<Bytes>> {
        let state = self.lock();
        (!state.is_cut && state.first == 0).then(|| state.chunks.iter().cloned().collect())
    }

    /// Returns when nobody listens to an answer that has not ended: once its record is made, its last words come anyway.
    pub(super) async fn abandoned(&self) {
        let mut heard = self.heard.subscribe();
        while !self.lock().is_over() {
            if heard.changed().await.is_err() {
                return;
            }
        }
    }

    fn tell(&self) {
        self.said.send_modify(|count| *count += 1);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let state = self.lock();
        if !state.is_cut {
            self.room.give_back(state.bytes);
        }
    }
}

impl State {
    fn note_settled(&mut self, settled: Option<Ended>) {
        if let (None, Some(ended)) = (&self.settled, settled) {
            self.settled = Some((self.first + self.chunks.len(), Arc::new(ended)));
        }
    }

    fn is_over(&self) -> bool {
        self.is_abandoned && self.settled.is_none() && !self.has_ended
    }

    /// Where not all is kept, what everybody has heard goes.
    fn forget_heard(&mut self) {
        let slowest = self.positions.values().min().copied().unwrap_or(usize::MAX);
        while self.is_cut
            && self.first < slowest
            && let Some(chunk) = self.chunks.pop_front()
        {
            self.first += 1;
            self.bytes -= chunk.len();
        }
    }

    fn is_behind(&self) -> bool {
        self.is_cut && self.bytes > WINDOW_BYTES && !self.positions.is_empty()
    }
}

impl Room {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { used: AtomicUsize::new(0) })
    }

    fn take(&self, bytes: usize, all_bytes: usize) -> bool {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= all_bytes);
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One client's place in an answer.
pub(super) struct Ear {
    live: Arc<Live>,
    number: u64,
    said: watch::Receiver<u64>,
}

/// What there is for one listener.
enum Said {
    Piece(Heard),
    NothingYet,
    All,
}

/// One piece of an answer.
pub(super) struct Heard {
    pub(super) chunk: Bytes,
    /// How the answer ended, if its record was made before this piece.
    pub(super) settled: Option<Arc<Ended>>,
}

impl Ear {
    pub(super) async fn head(&mut self) -> Result<Head, ApiError> {
        loop {
            if let Some(head) = self.live.lock().head.clone() {
                return head;
            }
            if self.said.changed().await.is_err() {
                return Err(ApiError::internal());
            }
        }
    }

    /// `None` behind the last piece.
    pub(super) async fn next(&mut self) -> Option<Heard> {
        loop {
            match self.take() {
                Said::Piece(heard) => return Some(heard),
                Said::All => return None,
                Said::NothingYet => {}
            }
            if self.said.changed().await.is_err() {
                return None;
            }
        }
    }

    /// How the answer ended, as its record says.
    pub(super) fn ended(&self) -> Option<Arc<Ended>> {
        self.live.lock().settled.as_ref().map(|(_, ended)| Arc::clone(ended))
    }

    fn take(&mut self) -> Said {
        let mut state = self.live.lock();
        let Some(position) = state.positions.get(&self.number).copied() else { return Said::All };
        let Some(chunk) = state.chunks.get(position - state.first).cloned() else {
            return if state.has_ended { Said::All } else { Said::NothingYet };
        };
        state.positions.insert(self.number, position + 1);
        state.forget_heard();
        let settled = state.settled.as_ref().filter(|(from, _)| position >= *from);
        let settled = settled.map(|(_, ended)| Arc::clone(ended));
        drop(state);
        self.live.heard.send_modify(|count| *count += 1);
        Said::Piece(Heard { chunk, settled })
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        {
            let mut state = self.live.lock();
            state.positions.remove(&self.number);
            state.is_abandoned = state.positions.is_empty();
            state.forget_heard();
        }
        self.live.heard.send_modify(|count| *count += 1);
    }
}

#[cfg(test)]
#[path = "live_tests.rs"]
mod tests;
