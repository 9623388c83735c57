//! Hands an answer's events to its client, on a task of its own: a client that stops reading cannot hold an upstream and
//! a place beyond the route's total time.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use super::Settlement;
use super::answer::AnswerStream;
use super::settlement::CLIENT_CLOSED_REQUEST;
use crate::audit::Outcome;

/// Events that a client may be behind.
const EVENTS_AHEAD: usize = 16;
/// Time for the last events of a stream whose total time is over.
const GOODBYE: Duration = Duration::from_secs(1);

/// The events of one answer. Dropping it ends what makes them, and settles it as left by its client.
pub(super) trait Source: Send + 'static {
    /// `None` behind the last one.
    fn next(&mut self) -> impl Future<Output = Option<Bytes>> + Send;

    /// What is left of the total time.
    fn left(&self) -> Duration;

    fn settlement(&self) -> &Settlement;

    /// Whether its events are its own, and not those of another source.
    fn is_first_hand(&self) -> bool {
        true
    }
}

pub(super) fn pump(source: impl Source) -> AnswerStream {
    let (sender, receiver) = mpsc::channel(EVENTS_AHEAD);
    tokio::spawn(run(source, sender));
    Box::pin(stream::unfold(receiver, |mut receiver| async move {
        let bytes: Bytes = receiver.recv().await?;
        Some((Ok(bytes), receiver))
    }))
}

async fn run(mut source: impl Source, client: mpsc::Sender<Bytes>) {
    let mut closed = pin!(client.closed());
    loop {
        let bytes = tokio::select! {
            biased;
            // The client went away: dropping the settlement records it.
            () = &mut closed => return,
            bytes = source.next() => bytes,
        };
        let Some(bytes) = bytes else { return };
        if source.is_first_hand() {
            source.settlement().keep_answer(&bytes);
        }
        // A client that reads is seldom behind, and only one that is behind needs a timer.
        let Err(TrySendError::Full(bytes)) = client.try_send(bytes) else { continue };
        if tokio::time::timeout(source.left().max(GOODBYE), client.send(bytes)).await.is_err() {
            source.settlement().note_error(Some("client_too_slow"));
            // Its failure was logged; before the client sees the end the record is there.
            let _ = source.settlement().settle(Outcome::Aborted, CLIENT_CLOSED_REQUEST);
            return;
        }
    }
}
