//! Exports of the audit on their way to whoever asked: made page by page as they are taken, a few at once.
//!
//! The bytes are those of `shekara audit export`. What fails in the middle breaks the connection, and the file does not
//! verify: nobody takes a part of it for the whole.

use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use shekara_protocol::error::ApiError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit, mpsc};

use super::authenticated::RequestContext;
use super::settlement::CLIENT_CLOSED_REQUEST;
use super::{Gateway, Places, refusal};
use crate::audit::{Outcome, Time};
use crate::signing::PublicKeys;
use crate::store::{ExportPart, ExportSigner, Outlet, Store, StoreError, export_csv_to, export_lines_to};

const MAX_EXPORTS: u32 = 3;
/// What was recorded before the export was asked for is in the database after this long.
const CARRY_OVER: Duration = Duration::from_secs(2);
/// For one piece of it.
const PIECE_TIMEOUT: Duration = Duration::from_mins(1);
/// For all of it: nobody keeps others from theirs for longer.
const WHOLE_TIMEOUT: Duration = Duration::from_hours(1);
const PIECE_BYTES: usize = 64 << 10;

/// Places for exports that are being sent.
#[derive(Debug)]
pub struct Exports(Arc<Semaphore>);

/// What is asked for.
#[derive(Debug, Clone)]
pub struct ExportOrder {
    pub part: ExportPart,
    /// A table instead of lines.
    pub is_table: bool,
}

/// Why an export is not sent to its end.
#[derive(Debug, thiserror::Error)]
#[error("failed to send an export to its end")]
pub struct Unsent;

impl Default for Exports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(MAX_EXPORTS as usize)))
    }
}

impl Exports {
    fn begin(&self) -> Result<OwnedSemaphorePermit, ApiError> {
        Arc::clone(&self.0).try_acquire_owned().map_err(|_| refusal::too_many_exports())
    }

    /// Where none is being sent; none begins while what this gives is held.
    pub fn none(&self) -> Option<SemaphorePermit<'_>> {
        self.0.try_acquire_many(MAX_EXPORTS).ok()
    }
}

/// The export as pieces. It is settled before the last one is handed out.
///
/// # Errors
/// 429 while as many are sent as may be; 503 where the database has not got everything yet, or cannot be read.
pub async fn export_audit(
    gateway: &Arc<Gateway>,
    context: RequestContext,
    order: ExportOrder,
) -> Result<impl Stream<Item = Result<Bytes, Unsent>> + Send + use<>, ApiError> {
    let places = gateway.enter()?;
    let permit = gateway.exports.begin()?;
    let journal = gateway.trail.journal();
    let carried = tokio::time::timeout(CARRY_OVER, journal.projected(journal.end())).await;
    carried.map_err(|_| behind())?;
    let (sender, mut receiver) = mpsc::channel(1);
    tokio::spawn(send(Arc::clone(gateway), context, (order, (places, permit)), sender));
    // What fails at once is an answer of its own.
    let Some(Ok(first)) = receiver.recv().await else { return Err(behind()) };
    let rest =
        stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) });
    Ok(stream::once(std::future::ready(Ok(first))).chain(rest))
}

fn behind() -> ApiError {
    ApiError::unavailable("store_unavailable", "The database could not be used, or has not got all records yet.", 5)
}

type Client = mpsc::Sender<Result<Bytes, Unsent>>;

async fn send(
    gateway: Arc<Gateway>,
    context: RequestContext,
    (order, _held): (ExportOrder, (Places, OwnedSemaphorePermit)),
    client: Client,
) {
    let settlement = &context.settlement;
    let pieces = Pieces { waiting: Vec::new(), client: client.clone() };
    let exported = tokio::time::timeout(WHOLE_TIMEOUT, export(&gateway, &order, pieces)).await;
    let too_slow = |_| Err(StoreError::Export { source: ErrorKind::TimedOut.into() });
    let ended = match exported.unwrap_or_else(too_slow) {
        Ok(last) => match settlement.settle(Outcome::Completed, 200) {
            Ok(()) => Ok(Bytes::from(last)),
            Err(_) => Err(Unsent),
        },
        // The client went away or stopped reading: what is dropped unsettled says so.
        Err(StoreError::Export { source }) if source.kind() == ErrorKind::BrokenPipe => return,
        Err(StoreError::Export { source }) if source.kind() == ErrorKind::TimedOut => {
            settlement.note_error(Some("client_too_slow"));
            let _ = settlement.settle(Outcome::Aborted, CLIENT_CLOSED_REQUEST);
            Err(Unsent)
        }
        Err(error) => {
            tracing::error!(%error, "an export of the audit could not be made");
            settlement.note_error(Some("store_unavailable"));
            // Where it fails, it was logged; the client sees a broken file in any case.
            let _ = settlement.settle(Outcome::Failed, 503);
            Err(Unsent)
        }
    };
    let _ = tokio::time::timeout(PIECE_TIMEOUT, client.send(ended)).await;
}

/// Gives the last piece.
async fn export(gateway: &Gateway, order: &ExportOrder, pieces: Pieces) -> Result<Vec<u8>, StoreError> {
    let store: &Arc<dyn Store> = gateway.shared_store();
    let earlier: PublicKeys = gateway.snapshot().config.audit.earlier_keys.iter().copied().collect();
    let (_, pieces) = if order.is_table {
        export_csv_to(store.trail(), &order.part, pieces).await?
    } else {
        let now = Time::from(gateway.sources.now());
        let with = ExportSigner { signer: &gateway.audit_signer, earlier: &earlier, now };
        export_lines_to(store.trail(), &order.part, with, pieces).await?
    };
    Ok(pieces.waiting)
}

/// What was made and not yet taken: a page at most, and what makes a piece.
struct Pieces {
    waiting: Vec<u8>,
    client: Client,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Pieces {
    async fn hand_on(&mut self) -> io::Result<()> {
        if self.waiting.len() < PIECE_BYTES {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.waiting));
        match tokio::time::timeout(PIECE_TIMEOUT, self.client.send(Ok(piece))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ErrorKind::BrokenPipe.into()),
            Err(_) => Err(ErrorKind::TimedOut.into()),
        }
    }
}
