//! A stretch of load on one server.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::Mutex;
use tokio::task::LocalSet;

use super::connection::Answered;
use super::{Arrivals, Connection, Failure, Spacing, Stamps, Tally, Target};
use crate::clock::now_ns;

/// What keeps a broken server from holding the load forever, beyond the slice's own time.
const OVERTIME: Duration = Duration::from_secs(30);
/// Between tries of a server that refuses connections.
const PAUSE: Duration = Duration::from_millis(20);

/// When requests are sent.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// The next when the last one is answered.
    Closed,
    /// So many a second, whatever is answered.
    Open { rate: f64, spacing: Spacing, seed: u64 },
}

/// How one stretch runs.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    pub pace: Pace,
    /// Connections, each with one request at a time. On a schedule they are the most that are under way at once.
    pub connections: usize,
    /// Before anything counts. Connections begin one after the other within it.
    pub warm_up: Duration,
    pub measured: Duration,
}

/// Runs a slice. Connections are opened before it and closed behind it.
///
/// # Errors
/// If nothing can be connected, or the server does not come to an end.
pub async fn run(target: &Rc<Target>, slice: &Slice) -> anyhow::Result<Tally> {
    let mut connections = Vec::new();
    for _ in 0..slice.connections {
        let opened = Connection::open(target.address).await;
        connections.push(opened.with_context(|| format!("failed to connect to {}", target.address))?);
    }
    let shared = Rc::new(Shared::new(target, slice)?);
    let tasks = LocalSet::new();
    for (number, connection) in connections.into_iter().enumerate() {
        let begin = slice.warm_up.mul_f64(number as f64 / slice.connections as f64);
        tasks.spawn_local(work(Rc::clone(&shared), connection, begin));
    }
    let longest = slice.warm_up + slice.measured + OVERTIME;
    tokio::time::timeout(longest, tasks).await.context("the server does not come to an end")?;
    let mut tally = shared.tally.take();
    tally.measured_s = slice.measured.as_secs_f64();
    Ok(tally)
}

struct Shared {
    target: Rc<Target>,
    tally: RefCell<Tally>,
    /// Whoever is free waits here for the next moment; whoever becomes free later finds it gone by and begins at once.
    arrivals: Option<Mutex<Arrivals>>,
    sent: Cell<u64>,
    from_ns: u64,
    until_ns: u64,
}

impl Shared {
    fn new(target: &Rc<Target>, slice: &Slice) -> anyhow::Result<Self> {
        let arrivals = match slice.pace {
            Pace::Closed => None,
            Pace::Open { rate, spacing, seed } => Some(Mutex::new(Arrivals::new(rate, spacing, seed)?)),
        };
        let from_ns = now_ns() + slice.warm_up.as_nanos() as u64;
        let until_ns = from_ns + slice.measured.as_nanos() as u64;
        let (target, tally, sent) = (Rc::clone(target), RefCell::default(), Cell::new(0));
        Ok(Self { target, tally, arrivals, sent, from_ns, until_ns })
    }

    fn counts(&self, at_ns: u64) -> bool {
        (self.from_ns..=self.until_ns).contains(&at_ns)
    }

    /// When the next request is due, once it is.
    async fn due(&self) -> Result<u64, std::io::Error> {
        match &self.arrivals {
            None => Ok(now_ns()),
            Some(arrivals) => arrivals.lock().await.next().await,
        }
    }
}

async fn work(shared: Rc<Shared>, connection: Connection, begin: Duration) {
    if shared.arrivals.is_none() && !begin.is_zero() {
        tokio::time::sleep(begin).await;
    }
    let mut connection = Some(connection);
    loop {
        let Ok(due_ns) = shared.due().await else { return };
        if due_ns >= shared.until_ns || now_ns() >= shared.until_ns + OVERTIME.as_nanos() as u64 {
            return;
        }
        let mut open = match connection.take() {
            Some(open) => open,
            None => match Connection::open(shared.target.address).await {
                Ok(open) => open,
                Err(failure) => {
                    shared.tally.borrow_mut().fail(failure.to_string());
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        match ask(&shared, &mut open, due_ns).await {
            Ok(true) => connection = Some(open),
            Ok(false) => {}
            Err(Failure::Cut) => return,
            Err(failure) => shared.tally.borrow_mut().fail(failure.to_string()),
        }
    }
}

/// Whether the connection can be used again.
async fn ask(shared: &Shared, connection: &mut Connection, due_ns: u64) -> Result<bool, Failure> {
    let number = shared.sent.get();
    shared.sent.set(number + 1);
    let sent_ns = now_ns();
    let (mut stamps, mut chunks, mut last_ns) = (Stamps::default(), 0_u64, 0_u64);
    let heard = |part: &[u8], now: u64| {
        if !shared.target.is_stream {
            return;
        }
        let mut tally = shared.tally.borrow_mut();
        stamps.find(part, |stamp| {
            if shared.counts(now) {
                tally.chunks += 1;
                tally.transit.record(now.saturating_sub(stamp));
                if last_ns > 0 {
                    tally.between.record(now - last_ns);
                }
            }
            last_ns = now;
            chunks += 1;
            tally.served_chunks += 1;
        });
    };
    // A stream is cut at the end; an answer in one piece is worth waiting for.
    let until_ns = if shared.target.is_stream { shared.until_ns } else { u64::MAX };
    let answered = connection.ask(shared.target.request(number), until_ns, heard).await?;
    let mut tally = shared.tally.borrow_mut();
    tally.served += 1;
    if let Some(wrong) = wrong(&shared.target, &answered, chunks) {
        tally.fail(wrong);
    } else if counted(shared, due_ns, &answered) {
        tally.answered += 1;
        tally.total.record(answered.ended_ns.saturating_sub(due_ns));
        tally.first.record(answered.first_ns.saturating_sub(due_ns));
        if shared.arrivals.is_some() {
            tally.late.record(sent_ns.saturating_sub(due_ns));
        }
    }
    Ok(answered.keeps_alive)
}

/// In a closed loop what ended in time is what was done in it; on a schedule what was due in time, however long it took.
fn counted(shared: &Shared, due_ns: u64, answered: &Answered) -> bool {
    shared.counts(if shared.arrivals.is_some() { due_ns } else { answered.ended_ns })
}

fn wrong(target: &Target, answered: &Answered, chunks: u64) -> Option<String> {
    match answered.status {
        200 if answered.body_bytes == 0 => Some("empty answer".to_owned()),
        200 if target.chunks.is_some_and(|expected| expected != chunks) => Some("chunks missing".to_owned()),
        200 => None,
        status => Some(format!("status {status}")),
    }
}
