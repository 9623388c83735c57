//! A file on its way to its client, on a task of its own: a client that stops reading cannot hold a place for long.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use tokio::sync::mpsc;

use super::Places;
use super::authenticated::RequestContext;
use super::kept_file::FileReader;
use super::settlement::CLIENT_CLOSED_REQUEST;
use crate::audit::Outcome;

/// For one piece of a file.
const PIECE_TIMEOUT: Duration = Duration::from_mins(1);

/// Why a file is not sent to its end: the connection breaks, so that nobody takes a part of it for the whole.
#[derive(Debug, thiserror::Error)]
#[error("failed to send a file to its end")]
pub struct Broken;

/// Settled before the last piece is handed out; a client that leaves before is recorded as that.
pub fn download(
    context: RequestContext,
    places: Places,
    reader: FileReader,
) -> impl Stream<Item = Result<Bytes, Broken>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        let _places = places;
        send(&context, reader, &sender).await;
    });
    stream::unfold(receiver, |mut receiver| async move { receiver.recv().await.map(|piece| (piece, receiver)) })
}

async fn send(context: &RequestContext, mut reader: FileReader, client: &mpsc::Sender<Result<Bytes, Broken>>) {
    let settlement = &context.settlement;
    loop {
        let piece = match reader.next().await {
            Ok(None) => return,
            Ok(Some(_)) if reader.is_at_end() && settlement.settle(Outcome::Completed, 200).is_err() => Err(Broken),
            Ok(Some(piece)) => Ok(piece),
            Err(error) => {
                settlement.note_error(error.code.as_deref());
                // Where it fails, it was logged; the client sees a broken file in any case.
                let _ = settlement.settle(Outcome::Failed, error.status.as_u16());
                Err(Broken)
            }
        };
        let is_broken = piece.is_err();
        match tokio::time::timeout(PIECE_TIMEOUT, client.send(piece)).await {
            Ok(Ok(())) if !is_broken => {}
            Ok(_) => return,
            Err(_) => {
                settlement.note_error(Some("client_too_slow"));
                let _ = settlement.settle(Outcome::Aborted, CLIENT_CLOSED_REQUEST);
                return;
            }
        }
    }
}
